/// Finds the body in the bytes behind a head: a state that survives any split of them. Source: RFC 9112, 6 and 7.
struct BodyDecoder {
    enum Step: Equatable {
        /// `range` of the given bytes is body; `consumed` bytes are done with.
        case data(Range<Int>, consumed: Int)
        /// All given bytes were framing.
        case needMore(consumed: Int)
        /// The body ended before byte `consumed`.
        case end(consumed: Int)
        /// Which rule is broken.
        case malformed(String)
    }

    /// Bytes of chunk extensions and trailers, all together.
    private static let skipLimit = 16 * 1024

    private enum State: Equatable {
        case length(Int)
        case untilClose
        case complete
        case chunkSize(digits: Int, size: Int)
        case chunkExtension(size: Int)
        case chunkSizeLF(size: Int)
        case chunkData(left: Int)
        case chunkDataCR, chunkDataLF
        case trailerStart, trailer, trailerLF, lastLF
    }

    private var state: State
    private var skipped = 0

    init(_ framing: ResponseHead.Framing) {
        switch framing {
        case .none, .length(0): state = .complete
        case .length(let count): state = .length(count)
        case .chunked: state = .chunkSize(digits: 0, size: 0)
        case .untilClose: state = .untilClose
        }
    }

    /// Whether the whole body has been handed out.
    var isComplete: Bool { state == .complete }

    /// The connection ended. Whether that is the body's proper end.
    mutating func close() -> Bool {
        if state == .untilClose { state = .complete }
        return isComplete
    }

    /// The next step through the body. Call it again with the bytes that were not consumed.
    mutating func next(_ bytes: UnsafeRawBufferPointer) -> Step {
        var position = 0
        while true {
            switch state {
            case .complete: return .end(consumed: position)
            case _ where position == bytes.count: return .needMore(consumed: position)
            case .untilClose: return .data(position..<bytes.count, consumed: bytes.count)
            case .length(let left):
                let end = position + min(left, bytes.count - position)
                state = left == end - position ? .complete : .length(left - (end - position))
                return .data(position..<end, consumed: end)
            case .chunkData(let left):
                let end = position + min(left, bytes.count - position)
                state = left == end - position ? .chunkDataCR : .chunkData(left: left - (end - position))
                return .data(position..<end, consumed: end)
            default:
                if let rule = frame(bytes[position]) { return .malformed("\(rule)") }
                position += 1
            }
        }
    }

    /// Takes one byte of framing. Returns the rule that it breaks, if any.
    private mutating func frame(_ byte: UInt8) -> StaticString? {
        switch state {
        case .chunkSize(let digits, let size): return chunkSize(byte, digits, size)
        case .chunkExtension(let size): return skip(byte, endingIn: .chunkSizeLF(size: size))
        case .chunkSizeLF(let size):
            return expect(0x0A, byte, then: size == 0 ? .trailerStart : .chunkData(left: size))
        case .chunkDataCR: return expect(0x0D, byte, then: .chunkDataLF)
        case .chunkDataLF: return expect(0x0A, byte, then: .chunkSize(digits: 0, size: 0))
        case .trailerStart where byte == 0x0D:
            state = .lastLF
            return nil
        case .trailerStart, .trailer:
            state = .trailer
            return skip(byte, endingIn: .trailerLF)
        case .trailerLF: return expect(0x0A, byte, then: .trailerStart)
        case .lastLF: return expect(0x0A, byte, then: .complete)
        case .length, .untilClose, .complete, .chunkData: return nil
        }
    }

    private mutating func chunkSize(_ byte: UInt8, _ digits: Int, _ size: Int) -> StaticString? {
        let digit: Int
        switch byte {
        case 0x30...0x39: digit = Int(byte - 0x30)
        case 0x41...0x46, 0x61...0x66: digit = Int(byte | 0x20) - 0x61 + 10
        case 0x0D where digits > 0:
            state = .chunkSizeLF(size: size)
            return nil
        case UInt8(ascii: ";") where digits > 0:
            state = .chunkExtension(size: size)
            return nil
        default: return "a chunk's size is not a number"
        }
        guard digits < 15 else { return "a chunk is too large" }
        state = .chunkSize(digits: digits + 1, size: size * 16 + digit)
        return nil
    }

    private mutating func expect(_ wanted: UInt8, _ byte: UInt8, then next: State) -> StaticString? {
        guard byte == wanted else { return "a chunk does not end in CRLF" }
        state = next
        return nil
    }

    /// Chunk extensions and trailers: not looked at.
    private mutating func skip(_ byte: UInt8, endingIn next: State) -> StaticString? {
        skipped += 1
        if byte == 0x0D {
            state = next
        } else if (byte < 0x20 && byte != 0x09) || byte == 0x7F {
            return "chunk framing has a control character"
        }
        return skipped > Self.skipLimit ? "chunk extensions or trailers are too long" : nil
    }
}
