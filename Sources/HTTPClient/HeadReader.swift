/// Walks through the bytes of a response's head, line by line. Source: RFC 9112.
///
/// `@safe`: it exists only inside `ResponseHead.parse`, during which the caller keeps the bytes.
@safe struct HeadReader {
    /// Why there is no head.
    enum Stop: Error {
        case needMore
        /// The head breaks this rule.
        case malformed(StaticString)
    }

    private let bytes: UnsafeRawBufferPointer
    /// The number of bytes that have been read.
    private(set) var position = 0

    private var isHTTP10 = false
    private var saysClose = false
    private var saysKeepAlive = false
    private var length: Int?
    private var isChunked = false
    private var retryAfter: Int?
    private var contentType: ResponseHead.ContentType?
    private var isEncoded = false

    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

    /// Reads the whole head, up to and including its empty line.
    mutating func head() throws(Stop) -> ResponseHead {
        let status = try statusLine()
        while try field() {}
        let framing = framing(of: status)
        return ResponseHead(
            status: status, framing: framing,
            keepAlive: framing != .untilClose && !saysClose && (!isHTTP10 || saysKeepAlive),
            retryAfter: retryAfter, contentType: contentType ?? .other, isEncoded: isEncoded)
    }

    /// RFC 9112, 6.3.
    private func framing(of status: Int) -> ResponseHead.Framing {
        if status < 200 || status == 204 || status == 304 { return .none }
        if isChunked { return .chunked }
        if let length { return .length(length) }
        return .untilClose
    }

    // MARK: Lines

    /// Reads `HTTP/1.1 200 OK`. The phrase may be empty, and the space before it may be missing: this is a common
    /// mistake, and its meaning is clear. Source: RFC 9112, 4.
    private mutating func statusLine() throws(Stop) -> Int {
        for expected in "HTTP/1.".utf8 where try next() != expected { throw .malformed("this is not HTTP/1") }
        switch try next() {
        case UInt8(ascii: "0"): isHTTP10 = true
        case UInt8(ascii: "1"): break
        default: throw .malformed("this is neither HTTP/1.0 nor HTTP/1.1")
        }
        guard try next() == UInt8(ascii: " ") else { throw .malformed("the version is not followed by a space") }
        let hundreds = try digit()
        guard (1...5).contains(hundreds) else { throw .malformed("the status is not from 100 to 599") }
        let tens = try digit()
        let ones = try digit()
        let after = try next()
        if after == UInt8(ascii: " ") {
            _ = try restOfLine()
        } else {
            try endOfLine(after)
        }
        return hundreds * 100 + tens * 10 + ones
    }

    /// Reads one field line. Returns false at the empty line that ends the head. Source: RFC 9112, 5.
    private mutating func field() throws(Stop) -> Bool {
        let start = position
        var byte = try next()
        if byte == UInt8(ascii: "\r") {
            try endOfLine(byte)
            return false
        }
        while Self.isToken(byte) { byte = try next() }
        // A space before the colon and a folded line are also rejected here.
        guard byte == UInt8(ascii: ":"), position - 1 > start else { throw .malformed("a field has no valid name") }
        let name = unsafe FieldText(bytes, start..<(position - 1))
        try note(name, restOfLine())
        return true
    }

    /// The rest of a line, without its CRLF and the white space around it.
    private mutating func restOfLine() throws(Stop) -> FieldText {
        let start = position
        while true {
            let byte = try next()
            if byte == UInt8(ascii: "\r") {
                let end = position - 1
                try endOfLine(byte)
                return unsafe FieldText(bytes, start..<end).trimmed
            }
            if (byte < 0x20 && byte != 0x09) || byte == 0x7F { throw .malformed("a line has a control character") }
        }
    }

    /// Reads the LF after `byte`, which must be CR.
    private mutating func endOfLine(_ byte: UInt8) throws(Stop) {
        guard byte == UInt8(ascii: "\r"), try next() == UInt8(ascii: "\n") else {
            throw .malformed("a line does not end in CRLF")
        }
    }

    private mutating func digit() throws(Stop) -> Int {
        let byte = try next()
        guard byte >= 0x30, byte <= 0x39 else { throw .malformed("the status is not three digits") }
        return Int(byte - 0x30)
    }

    private mutating func next() throws(Stop) -> UInt8 {
        guard unsafe position < bytes.count else { throw .needMore }
        guard position < ResponseHead.maximumBytes else { throw .malformed("the head is too long") }
        defer { position += 1 }
        return unsafe bytes[position]
    }

    /// RFC 9110, 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    // MARK: Fields

    private mutating func note(_ name: FieldText, _ value: FieldText) throws(Stop) {
        if name.equals("content-length") {
            guard length == nil, let number = value.number, !number.overflow else {
                throw .malformed("Content-Length is not one number")
            }
            length = number.value
        } else if name.equals("transfer-encoding") {
            guard !isHTTP10 else { throw .malformed("HTTP/1.0 does not allow Transfer-Encoding") }  // RFC 9112, 6.1
            guard !isChunked, value.equals("chunked") else { throw .malformed("Transfer-Encoding is not chunked") }
            isChunked = true
        } else if name.equals("connection") {
            value.forEachElement { option in
                if option.equals("close") { saysClose = true }
                if option.equals("keep-alive") { saysKeepAlive = true }
            }
        } else if name.equals("retry-after") {
            retryAfter = (value.number?.value ?? value.secondsToDate).map { min($0, ResponseHead.maximumRetryAfter) }
        } else if name.equals("content-type") {
            contentType = contentType == nil ? Self.contentType(value.beforeSemicolon) : .other
        } else if name.equals("content-encoding") {
            value.forEachElement { coding in
                if !coding.equals("identity") { isEncoded = true }
            }
        }
        if isChunked && length != nil { throw .malformed("Content-Length and Transfer-Encoding are both present") }
    }

    private static func contentType(_ mediaType: FieldText) -> ResponseHead.ContentType {
        if mediaType.equals("application/json") { return .json }
        if mediaType.equals("application/x-ndjson") { return .ndjson }
        if mediaType.equals("text/event-stream") { return .events }
        return .other
    }
}
