/// Walks through the bytes of a response's head.
struct HeadReader {
    enum Stop: Error {
        case needMore
        case malformed(StaticString)
    }

    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    private var isHTTP10 = false
    private var saysClose = false
    private var saysKeepAlive = false
    private var length: Int?
    private var isChunked = false
    private var retryAfter: Int?

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func head() throws(Stop) -> ResponseHead {
        let status = try statusLine()
        while try field() {}
        if isChunked && (length != nil || isHTTP10) { throw .malformed("Transfer-Encoding is ambiguous") }
        let framing: ResponseHead.Framing =
            if status < 200 || status == 204 || status == 304 {
                .none
            } else if isChunked {
                .chunked
            } else if let length {
                .length(length)
            } else {
                .untilClose
            }
        let keepAlive = framing != .untilClose && !saysClose && (!isHTTP10 || saysKeepAlive)
        return ResponseHead(status: status, framing: framing, keepAlive: keepAlive, retryAfter: retryAfter)
    }

    // MARK: Lines

    /// `HTTP/1.1 200 OK`, RFC 9112, 4. The phrase may be empty, and is often missing with its space.
    private mutating func statusLine() throws(Stop) -> Int {
        for expected in "HTTP/1.".utf8 where try next() != expected { throw .malformed("this is not HTTP/1") }
        switch try next() {
        case UInt8(ascii: "0"): isHTTP10 = true
        case UInt8(ascii: "1"): break
        default: throw .malformed("this is not HTTP/1.0 or 1.1")
        }
        guard try next() == UInt8(ascii: " ") else { throw .malformed("the status line is malformed") }
        var status = 0
        for _ in 0..<3 {
            guard let digit = Self.digit(try next()) else { throw .malformed("the status is not a number") }
            status = status * 10 + digit
        }
        guard (100...599).contains(status) else { throw .malformed("there is no such status") }
        let after = try next()
        if after == 0x0D {
            guard try next() == 0x0A else { throw .malformed("a line does not end in CRLF") }
        } else if after == UInt8(ascii: " ") {
            _ = try restOfLine()
        } else {
            throw .malformed("the status line is malformed")
        }
        return status
    }

    /// Reads one field. Returns false at the empty line that ends the head.
    private mutating func field() throws(Stop) -> Bool {
        let start = position
        var byte = try next()
        if byte == 0x0D {
            guard try next() == 0x0A else { throw .malformed("a line does not end in CRLF") }
            return false
        }
        while Self.isToken(byte) { byte = try next() }
        let name = bytes[start..<(position - 1)]
        guard byte == UInt8(ascii: ":"), !name.isEmpty else { throw .malformed("a field has no proper name") }
        let value = Self.trimmed(try restOfLine())
        try note(name, value)
        return true
    }

    /// What is left of a line, without its CRLF.
    private mutating func restOfLine() throws(Stop) -> Slice<UnsafeRawBufferPointer> {
        let start = position
        while true {
            let byte = try next()
            if byte == 0x0D {
                guard try next() == 0x0A else { throw .malformed("a line does not end in CRLF") }
                return bytes[start..<(position - 2)]
            }
            if (byte < 0x20 && byte != 0x09) || byte == 0x7F { throw .malformed("a line has a control character") }
        }
    }

    private mutating func next() throws(Stop) -> UInt8 {
        guard position < bytes.count else { throw .needMore }
        guard position < ResponseHead.maximumBytes else { throw .malformed("the head is too long") }
        defer { position += 1 }
        return bytes[position]
    }

    // MARK: Fields

    private mutating func note(
        _ name: Slice<UnsafeRawBufferPointer>, _ value: Slice<UnsafeRawBufferPointer>
    ) throws(Stop) {
        if Self.equals(name, "content-length") {
            guard length == nil, let number = Self.number(value) else { throw .malformed("Content-Length is not one number") }
            length = number
        } else if Self.equals(name, "transfer-encoding") {
            guard !isChunked, Self.equals(value, "chunked") else { throw .malformed("Transfer-Encoding is not chunked") }
            isChunked = true
        } else if Self.equals(name, "connection") {
            for option in value.split(separator: UInt8(ascii: ",")) {
                if Self.equals(Self.trimmed(option), "close") { saysClose = true }
                if Self.equals(Self.trimmed(option), "keep-alive") { saysKeepAlive = true }
            }
        } else if Self.equals(name, "retry-after") {
            retryAfter = Self.number(value).map { min($0, 86_400) }
        }
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var number = 0
        for byte in digits {
            guard let digit = digit(byte) else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    private static func digit(_ byte: UInt8) -> Int? {
        byte >= 0x30 && byte <= 0x39 ? Int(byte - 0x30) : nil
    }

    /// RFC 9110, 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    private static func trimmed(_ text: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var text = text
        while let first = text.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
        while let last = text.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
        return text
    }

    /// Whether `text` is `word`, which is in lower case, in any case.
    private static func equals(_ text: Slice<UnsafeRawBufferPointer>, _ word: StaticString) -> Bool {
        guard text.count == word.utf8CodeUnitCount else { return false }
        for (offset, byte) in text.enumerated() {
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if lower != word.utf8Start[offset] { return false }
        }
        return true
    }
}
