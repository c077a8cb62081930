/// The head of requests that differ only in their body.
///
/// A class: each task that waits for a response keeps one word of it.
package final class RequestTemplate: Sendable {
    private let start: [UInt8]
    /// Whether the fields of the response are kept: see `IncomingResponse.fieldLines`.
    let keepsFields: Bool
    /// Whether the response has no body, whatever its head says. Source: RFC 9110, 9.3.2.
    let isHead: Bool

    /// - Parameters:
    ///   - method: a token, such as `POST`.
    ///   - path: the target, which begins with `/`.
    ///   - host: the Host field.
    ///   - fields: name and value of each further field. A control character in one is a bug of the caller.
    ///   - keepsFields: whether the fields of the response are kept, to pass them on.
    package init(
        _ method: String, path: String, host: String, fields: [(String, String)] = [], keepsFields: Bool = false
    ) {
        self.keepsFields = keepsFields
        isHead = method == "HEAD"
        var text = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in fields {
            precondition(Self.canSend(value), "The field \(name) has a control character.")
            text += "\(name): \(value)\r\n"
        }
        start = Array(text.utf8)
    }

    /// Whether `value` can be a field's value: it has no control character, such as a line end. Source: RFC 9110, 5.5.
    package static func canSend(_ value: String) -> Bool {
        !value.utf8.contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }
    }

    private init(_ start: [UInt8], like other: RequestTemplate) {
        self.start = start
        keepsFields = other.keepsFields
        isHead = other.isHead
    }

    /// The same head with further fields, each with its CRLF.
    package func adding(_ lines: [UInt8]) -> RequestTemplate {
        RequestTemplate(start + lines, like: self)
    }

    /// The whole head for a body of `count` bytes; `nil` for none.
    ///
    /// - Parameter lines: further fields, each with its CRLF.
    func head(bodyCount count: Int?, adding lines: [UInt8]) -> [UInt8] {
        var head: [UInt8] = []
        head.reserveCapacity(start.count + lines.count + 48)  // so that it grows no more
        head.append(contentsOf: start)
        head.append(contentsOf: lines)
        if let count {
            head.append(contentsOf: "Content-Length: ".utf8)
            head.append(contentsOf: String(count).utf8)
            head.append(contentsOf: "\r\n".utf8)
        }
        head.append(contentsOf: "\r\n".utf8)
        return head
    }
}
