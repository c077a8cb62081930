/// Writes response heads into a buffer that is reused. Belongs to the loop's thread.
///
/// `@safe`: it cannot be copied, so it alone owns its memory. The bytes it returns are valid until the next call.
@safe struct HeadWriter: ~Copyable {
    private var bytes: UnsafeMutableRawBufferPointer
    private var count = 0
    /// Enough for what the server itself writes into a head.
    private static let ownBytes = 1024

    init() { unsafe bytes = .allocate(byteCount: Self.ownBytes, alignment: 1) }

    deinit { unsafe bytes.deallocate() }

    /// How the end of the body is marked.
    enum Framing: Equatable {
        case length(Int)
        case chunked
        /// By closing the connection, for HTTP/1.0.
        case close
        /// There is no body, and nothing that describes one. Source: RFC 9110, 8.6.
        case none
    }

    /// What the head says about the connection: nothing when it is the default of the HTTP version.
    enum Connection {
        case implied, close, keepAlive
    }

    /// The head of a response. The bytes are valid until the next call.
    mutating func head(
        _ status: Status, _ contentType: ContentType, _ framing: Framing, _ connection: Connection,
        date: UnsafePointer<CChar>, retryAfter: Int? = nil, allow: StaticString? = nil, fields: [HeaderField] = [],
        lines: [UInt8] = []
    ) -> UnsafeRawBufferPointer {
        count = 0
        if !fields.isEmpty || !lines.isEmpty { reserve(fields, lines) }
        unsafe begin(status, contentType, framing, connection, date)
        if let retryAfter {
            put("\r\nRetry-After: ")
            put(retryAfter)
        }
        if let allow {
            put("\r\nAllow: ")
            put(allow)
        }
        put(fields)
        put("\r\n")
        if !lines.isEmpty { unsafe lines.withUnsafeBytes { unsafe put($0) } }
        put("\r\n")
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[..<count])
    }

    private mutating func begin(
        _ status: Status, _ contentType: ContentType?, _ framing: Framing, _ connection: Connection,
        _ date: UnsafePointer<CChar>
    ) {
        put("HTTP/1.1 ")
        put(status.code)
        put(" ")
        put(status.phrase)
        put("\r\nDate: ")
        unsafe put(UnsafeRawBufferPointer(start: date, count: 29))
        if framing != .none, let contentType {
            put("\r\nContent-Type: ")
            put(contentType.field)
        }
        switch framing {
        case .length(let length):
            put("\r\nContent-Length: ")
            put(length)
        case .chunked: put("\r\nTransfer-Encoding: chunked")
        case .close, .none: break
        }
        switch connection {
        case .implied: break
        case .close: put("\r\nConnection: close")
        case .keepAlive: put("\r\nConnection: keep-alive")
        }
    }

    // MARK: Streams

    /// The bytes before a piece of a stream: the head, if it has not been sent yet, and the chunk's size. The bytes are
    /// valid until the next call. Source: RFC 9112, 7.1.
    ///
    /// - Parameter chunk: the size of the chunk in bytes; 0 for none.
    mutating func prefix(
        _ head: StreamHead?, _ framing: BodyFraming, _ connection: Connection, date: UnsafePointer<CChar>, chunk: Int
    ) -> UnsafeRawBufferPointer {
        count = 0
        if let head {
            if !head.fields.isEmpty || !head.fieldLines.isEmpty { reserve(head.fields, head.fieldLines) }
            unsafe begin(
                head.status, head.contentType, head.status == .noContent ? .none : Self.framing(framing, head.length),
                connection, date)
            // For proxies: nginx and others would buffer a few KiB of the stream.
            if head.isUnbuffered { put("\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no") }
            put(head.fields)
            put("\r\n")
            unsafe head.fieldLines.withUnsafeBytes { unsafe put($0) }
            put("\r\n")
        }
        if chunk > 0 {
            put(hexadecimal: chunk)
            put("\r\n")
        }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[..<count])
    }

    private static func framing(_ framing: BodyFraming, _ length: Int?) -> Framing {
        switch framing {
        case .chunked: .chunked
        case .length: .length(length ?? 0)
        case .close: .close
        }
    }

    private mutating func put(hexadecimal number: Int) {
        let digits: StaticString = "0123456789abcdef"
        var shift = (Int.bitWidth - 1 - number.leadingZeroBitCount) / 4 * 4
        unsafe precondition(count + 16 <= bytes.count)
        while shift >= 0 {
            unsafe bytes[count] = unsafe digits.utf8Start[number >> shift & 15]
            count += 1
            shift -= 4
        }
    }

    /// Makes room for fields, beyond what the server itself writes.
    @inline(never)
    private mutating func reserve(_ fields: [HeaderField], _ lines: [UInt8] = []) {
        let wanted = fields.reduce(Self.ownBytes + lines.count) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard unsafe wanted > bytes.count else { return }
        unsafe bytes.deallocate()
        unsafe bytes = .allocate(byteCount: wanted, alignment: 1)
    }

    private mutating func put(_ fields: [HeaderField]) {
        for field in fields {
            put("\r\n")
            put(field.name)
            put(": ")
            put(field.value)
        }
    }

    private mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { unsafe put(UnsafeRawBufferPointer($0)) }
    }

    private mutating func put(_ piece: StaticString) {
        unsafe put(UnsafeRawBufferPointer(start: piece.utf8Start, count: piece.utf8CodeUnitCount))
    }

    private mutating func put(_ piece: UnsafeRawBufferPointer) {
        // Static strings, numbers and a date fit into `ownBytes`, and `reserve` makes room for fields.
        unsafe precondition(count + piece.count <= bytes.count)
        unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).copyMemory(from: piece)
        count += piece.count
    }

    private mutating func put(_ number: Int) {
        precondition(number >= 0)
        var rest = number
        var start = count + (number < 10 ? 1 : number < 100 ? 2 : number < 1000 ? 3 : 20)
        let end = start
        unsafe precondition(end <= bytes.count)
        repeat {
            start -= 1
            unsafe bytes[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        if start > count {  // a long number: move it to the start
            let length = end - start
            for offset in 0..<length { unsafe bytes[count + offset] = unsafe bytes[start + offset] }
            count += length
        } else {
            count = end
        }
    }
}
