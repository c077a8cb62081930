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

    /// The name of a field that a service may send, checked once.
    public struct Name: Sendable {
        let text: String

        /// - Returns: `nil` when the name is not a token, or one of those that the server writes itself: Content-Type,
        ///   Retry-After and Allow are parts of `Response`.
        public init?(_ text: String) {
            guard HeaderField.isName(text), !HeaderField.reserved.contains(text.lowercased()) else { return nil }
            self.text = text
        }
    }

    /// Makes a field that is safe to send, even if its value comes from a client.
    ///
    /// - Returns: `nil` when the value has a control character, such as a line end, or a space at an end.
    public init?(_ name: Name, _ value: String) {
        guard Self.isValue(value) else { return nil }
        self.name = name.text
        self.value = value
    }

    /// Makes a field that is safe to send, even if its name and its value come from a client.
    ///
    /// - Returns: `nil` when one of them is none: see `Name.init` and the other initializer.
    public init?(_ name: String, _ value: String) {
        guard let name = Name(name) else { return nil }
        self.init(name, value)
    }

    private static func isValue(_ value: String) -> Bool {
        var value = value
        return value.withUTF8 { bytes in
            // Without branches, so that it is done for many bytes at once.
            var controls: UInt8 = 0
            for index in bytes.indices {
                let byte = unsafe bytes[index]
                controls |= (byte < 0x20 ? 1 : 0) & (byte == 0x09 ? 0 : 1) | (byte == 0x7F ? 1 : 0)
            }
            guard let first = unsafe bytes.first, let last = unsafe bytes.last else { return true }
            return controls == 0 && first != 0x20 && first != 0x09 && last != 0x20 && last != 0x09
        }
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
