/// A header field of a response. Source: RFC 9110, 5.
public struct HeaderField: Sendable, Equatable {
    /// A token, in the case in which it is sent.
    public let name: String
    /// Without control characters.
    public let value: String

    /// Fields that the server writes itself: about the body, the connection and the time, and other parts of `Response`.
    private static let reserved: Set<String> = [
        "allow", "connection", "content-length", "content-type", "date", "keep-alive", "retry-after", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// Makes a field that is safe to send, even if its value comes from a client.
    ///
    /// - Returns: `nil` when the name is not a token, or one of those that the server writes itself (Content-Type,
    ///   Retry-After and Allow are parts of `Response`), or when the value has a control character, such as a line end,
    ///   or a space at an end.
    public init?(_ name: String, _ value: String) {
        let isValue = value.utf8.allSatisfy { ($0 >= 0x20 || $0 == 0x09) && $0 != 0x7F }
        let isTrimmed = ![0x20, 0x09].contains(value.utf8.first) && ![0x20, 0x09].contains(value.utf8.last)
        guard Self.isName(name), isValue, isTrimmed, !Self.reserved.contains(name.lowercased()) else { return nil }
        self.name = name
        self.value = value
    }

    /// Whether `text` can be a field's name: a token. Source: RFC 9110, 5.1 and 5.6.2.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
