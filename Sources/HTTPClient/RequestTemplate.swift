/// The head of requests that differ only in their body.
package struct RequestTemplate: Sendable {
    private let start: [UInt8]

    /// - Parameters:
    ///   - method: a token, such as `POST`.
    ///   - path: the target, which begins with `/`.
    ///   - host: the Host field.
    ///   - fields: name and value of each further field. Fields whose value has a control character are left out.
    package init(_ method: String, path: String, host: String, fields: [(String, String)] = []) {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in fields where !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            text += "\(name): \(value)\r\n"
        }
        start = Array(text.utf8)
    }

    /// The whole head for a body of `count` bytes; `nil` for none.
    func head(bodyCount count: Int?) -> [UInt8] {
        var head = start
        if let count { head += "Content-Length: \(count)\r\n".utf8 }
        head += [0x0D, 0x0A]
        return head
    }
}
