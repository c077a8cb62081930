/// Picks the fields of a response that a proxy passes on. Source: RFC 9110, 7.6.1.
enum PassedOnFields {
    /// The fields about the connection, the body's length and the time, which the proxy writes itself; and those that
    /// say which pages may read a response, which it decides.
    private static let ownFields: Set<String> = [
        "connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade",
    ]
    private static let ownPrefix = "access-control-"

    /// The lines of a head that are passed on, each with its CRLF.
    ///
    /// - Parameter head: a whole head, which `ResponseHead.parse` has accepted.
    static func lines(of head: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
        var lines: [(name: String, range: Range<Int>)] = []
        var start = unsafe head.startIndex
        while let end = unsafe head[start...].firstIndex(of: 0x0A) {
            let isStatusLine = unsafe start == head.startIndex
            if !isStatusLine, let colon = unsafe head[start..<end].firstIndex(of: UInt8(ascii: ":")) {
                let name = unsafe String(decoding: head[start..<colon], as: UTF8.self)
                lines.append((name.lowercased(), start..<(end + 1)))
            }
            start = end + 1
        }
        var left = ownFields
        for line in lines where line.name == "connection" {
            let text = unsafe String(decoding: head[line.range], as: UTF8.self).lowercased()
            for option in text.split(whereSeparator: { ":, \t\r\n".contains($0) }) { left.insert(String(option)) }
        }
        var output: [UInt8] = []
        for line in lines where !left.contains(line.name) && !line.name.hasPrefix(ownPrefix) {
            unsafe output.append(contentsOf: head[line.range])
        }
        return output
    }
}
