/// Finds the body in the bytes after a head. The bytes may be split anywhere. Source: RFC 9112, 6 and 7.
///
/// A value type: usable on any thread, without allocation. Its only error is `Step.malformed`.
package struct BodyDecoder: Sendable {
    /// The kind of the next bytes. `consumed` counts from the start of the given bytes; the caller must pass the rest
    /// again.
    package enum Step: Sendable {
        /// The bytes in this range are body. Never empty.
        case data(Range<Int>, consumed: Int)
        /// All given bytes were framing.
        case needMore(consumed: Int)
        /// The body ended just before byte `consumed`; what follows belongs to the next response.
        case end(consumed: Int)
        /// The framing breaks this rule. Every further step returns the same.
        case malformed(StaticString)
    }

    /// Maximum bytes of a chunk's line: its size and extensions.
    package static let maximumChunkLine = 4 * 1024

    /// Maximum bytes of all trailers.
    package static let maximumTrailers = 16 * 1024

    private enum State {
        case length(left: Int)
        case untilClose
        case complete
        case chunkSize(digits: Int, size: Int)
        case chunkExtension(size: Int)
        case chunkSizeLF(size: Int)
        case chunkData(left: Int)
        case chunkDataCR, chunkDataLF
        case trailerStart, trailer, trailerLF, lastLF
        case broken(StaticString)
    }

    private var state: State
    /// Bytes of this chunk's line, or of the trailers.
    private var lineBytes = 0

    /// A decoder at the first byte of the body.
    package init(_ framing: ResponseHead.Framing) {
        switch framing {
        case .none, .length(0): state = .complete
        case .length(let count): state = count > 0 ? .length(left: count) : .broken("the length is negative")
        case .chunked: state = .chunkSize(digits: 0, size: 0)
        case .untilClose: state = .untilClose
        }
    }

    /// Whether the whole body and all its framing have been read. It becomes true with the last byte.
    package var isComplete: Bool {
        if case .complete = state { true } else { false }
    }

    /// Notes that the connection ended, after its last bytes were given to `next`.
    ///
    /// - Returns: whether this is the proper end of the body; false when it is cut off.
    package mutating func close() -> Bool {
        if case .untilClose = state { state = .complete }
        return isComplete
    }

    /// The next step through the body.
    package mutating func next(_ bytes: UnsafeRawBufferPointer) -> Step {
        var position = 0
        while true {
            switch state {
            case .complete: return .end(consumed: position)
            case .broken(let rule): return .malformed(rule)
            case _ where position == bytes.count: return .needMore(consumed: position)
            case .untilClose: return .data(position..<bytes.count, consumed: bytes.count)
            case .length(let left):
                let end = position + min(left, bytes.count - position)
                let rest = left - (end - position)
                state = rest == 0 ? .complete : .length(left: rest)
                return .data(position..<end, consumed: end)
            case .chunkData(let left):
                let end = position + min(left, bytes.count - position)
                let rest = left - (end - position)
                state = rest == 0 ? .chunkDataCR : .chunkData(left: rest)
                return .data(position..<end, consumed: end)
            default:
                state = unsafe framing(bytes[position])
                position += 1
            }
        }
    }

    /// The state of the body after all bytes were read.
    package enum Stop: Equatable, Sendable {
        case needMore, end
        /// The framing breaks this rule.
        case malformed(String)
    }

    /// Goes through `bytes` and calls `take` with each piece of body in them.
    ///
    /// - Returns: how many bytes were used (all of them, unless the body ended earlier), and the state of the body.
    package mutating func run(
        _ bytes: UnsafeRawBufferPointer, _ take: (Span<UInt8>) -> Void
    ) -> (consumed: Int, Stop) {
        var position = 0
        while true {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[position...])
            switch unsafe next(rest) {
            case .data(let range, let consumed):
                take(unsafe Span(_unsafeBytes: UnsafeRawBufferPointer(rebasing: rest[range])))
                position += consumed
            case .needMore(let consumed): return (position + consumed, .needMore)
            case .end(let consumed): return (position + consumed, .end)
            case .malformed(let rule): return (position, .malformed("\(rule)"))
            }
        }
    }

    // MARK: Chunks

    /// Takes one byte of framing. Returns the state after it.
    private mutating func framing(_ byte: UInt8) -> State {
        switch state {
        case .chunkSize(let digits, let size): return chunkSize(byte, digits, size)
        case .chunkExtension(let size): return chunkExtension(byte, size)
        case .chunkSizeLF(let size):
            lineBytes = 0
            return Self.expect("\n", byte, then: size == 0 ? .trailerStart : .chunkData(left: size))
        case .chunkDataCR: return Self.expect("\r", byte, then: .chunkDataLF)
        case .chunkDataLF: return Self.expect("\n", byte, then: .chunkSize(digits: 0, size: 0))
        case .trailerStart, .trailer: return trailer(byte)
        case .trailerLF: return Self.expect("\n", byte, then: .trailerStart)
        case .lastLF: return Self.expect("\n", byte, then: .complete)
        case .length, .untilClose, .complete, .chunkData, .broken: return state
        }
    }

    /// RFC 9112, 7.1: no sign, no `0x`, no white space.
    private mutating func chunkSize(_ byte: UInt8, _ digits: Int, _ size: Int) -> State {
        lineBytes += 1
        let digit: Int
        switch byte {
        case 0x30...0x39: digit = Int(byte - 0x30)
        case 0x41...0x46: digit = Int(byte - 0x41) + 10
        case 0x61...0x66: digit = Int(byte - 0x61) + 10
        case UInt8(ascii: "\r") where digits > 0: return .chunkSizeLF(size: size)
        case UInt8(ascii: ";") where digits > 0: return .chunkExtension(size: size)
        default: return .broken("a chunk's size is not a hexadecimal number")
        }
        guard digits < 16, size <= Int.max >> 4 else { return .broken("a chunk is too large") }
        return .chunkSize(digits: digits + 1, size: size << 4 | digit)
    }

    /// RFC 9112, 7.1.1. The content is ignored.
    private mutating func chunkExtension(_ byte: UInt8, _ size: Int) -> State {
        if byte == UInt8(ascii: "\r") { return .chunkSizeLF(size: size) }
        lineBytes += 1
        if lineBytes > Self.maximumChunkLine { return .broken("a chunk's extensions are too long") }
        return Self.isControl(byte)
            ? .broken("a chunk's extension has a control character") : .chunkExtension(size: size)
    }

    /// RFC 9112, 7.1.2. The content is ignored.
    private mutating func trailer(_ byte: UInt8) -> State {
        if byte == UInt8(ascii: "\r") {
            if case .trailerStart = state { return .lastLF }
            return .trailerLF
        }
        lineBytes += 1
        if lineBytes > Self.maximumTrailers { return .broken("the trailers are too long") }
        return Self.isControl(byte) ? .broken("a trailer has a control character") : .trailer
    }

    private static func expect(_ wanted: Unicode.Scalar, _ byte: UInt8, then next: State) -> State {
        byte == UInt8(ascii: wanted) ? next : .broken("a line or chunk does not end in CRLF")
    }

    private static func isControl(_ byte: UInt8) -> Bool { (byte < 0x20 && byte != 0x09) || byte == 0x7F }
}
