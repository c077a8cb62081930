internal import Glibc

/// Picks the fields of a response that a proxy passes on. Source: RFC 9110, 7.6.1.
enum PassedOnFields {
    /// The fields about the connection, the body's length and the time, which the proxy writes itself; and those that
    /// say which pages may read a response, which it decides.
    private static let ownFields: [StaticString] = [
        "connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-headers",
        "access-control-allow-methods", "access-control-allow-private-network", "access-control-expose-headers",
        "access-control-max-age",
    ]

    /// The lines of a head that are passed on, each with its CRLF.
    ///
    /// - Parameter head: a whole head, which `ResponseHead.parse` has accepted.
    static func lines(of head: UnsafeRawBufferPointer) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(head.count)
        var named: [String] = []
        unsafe forEachLine(of: head) { name, line in
            if name.equals("connection") { unsafe named += options(line) }
            for own in ownFields where name.equals(own) { return }
            unsafe output.append(contentsOf: line)
        }
        return named.isEmpty ? output : unsafe lines(of: head, without: named)
    }

    /// The same, if the response names fields that are about the connection too.
    private static func lines(of head: UnsafeRawBufferPointer, without named: [String]) -> [UInt8] {
        var output: [UInt8] = []
        unsafe forEachLine(of: head) { name, line in
            for own in ownFields where name.equals(own) { return }
            let text = unsafe String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
            if !named.contains(text.lowercased()) { unsafe output.append(contentsOf: line) }
        }
        return output
    }

    /// The options of a Connection field that are names of fields.
    private static func options(_ line: UnsafeRawBufferPointer) -> [String] {
        let text = unsafe String(decoding: line, as: UTF8.self).lowercased()
        let words = text.split { ":, \t\r\n".contains($0) }.dropFirst().map(String.init)
        return words.filter { $0 != "close" && $0 != "keep-alive" }
    }

    private static func forEachLine(
        of head: UnsafeRawBufferPointer, _ use: (_ name: FieldText, _ line: UnsafeRawBufferPointer) -> Void
    ) {
        var start = 0
        while let end = unsafe index(of: 0x0A, in: head, from: start) {
            // The first line is the status line.
            if start > 0, let colon = unsafe index(of: UInt8(ascii: ":"), in: head, from: start), colon < end {
                let line = unsafe UnsafeRawBufferPointer(rebasing: head[start...end])
                unsafe use(FieldText(head, start..<colon), line)
            }
            start = end + 1
        }
    }

    private static func index(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress, let found = unsafe memchr(base + start, CInt(byte), bytes.count - start)
        else { return nil }
        return unsafe base.distance(to: found)
    }
}
