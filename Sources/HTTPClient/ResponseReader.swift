/// Reads one response after another from the bytes that come on a connection. Belongs to the loop's thread.
///
/// Each method says how many bytes it used, which `consume` then takes out of the buffer.
struct ResponseReader {
    private var buffer = ReceiveBuffer()
    private var state = State.waiting
    private var decoder = BodyDecoder(.none)

    private enum State {
        /// Nothing of the response has come.
        case waiting
        /// Bytes have come, but not the whole head.
        case readingHead
        /// The head has come, and `decoder` finds the body.
        case readingBody(ResponseHead)
    }

    /// Starts over, for the next response.
    mutating func begin() { state = .waiting }

    /// Frees the memory of the buffer, and what is in it.
    mutating func freeMemory() { buffer.reset() }

    /// The head, once it has come.
    var head: ResponseHead? {
        if case .readingBody(let head) = state { head } else { nil }
    }

    /// Whether a byte of the response has come.
    var hasBegun: Bool {
        if case .waiting = state { false } else { true }
    }

    /// Whether the response is complete, and another one may follow it.
    var allowsAnother: Bool {
        guard case .readingBody(let head) = state else { return false }
        return head.keepAlive && decoder.isComplete && buffer.isEmpty
    }

    // MARK: Bytes

    /// Takes the bytes of one read, which must stay where they are until `endRead`.
    mutating func beginRead(_ bytes: UnsafeRawBufferPointer) {
        if case .waiting = state { state = .readingHead }
        unsafe buffer.beginRead(bytes)
    }

    /// Stores what was not used of the read's bytes. Returns whether so much is stored that reading should stop.
    mutating func endRead() -> Bool {
        buffer.endRead()
        return buffer.isFull
    }

    /// Takes `count` bytes out. Returns whether these were the last that were stored, so that reading may go on.
    mutating func consume(_ count: Int) -> Bool { buffer.consume(count) }

    // MARK: The head

    /// What came of reading the head.
    enum HeadStep {
        case needMore(consumed: Int)
        case done(consumed: Int)
        /// The head breaks this rule.
        case malformed(StaticString)
    }

    /// Reads the head, and those of interim responses before it. Source: RFC 9110, 15.2.
    mutating func readHead() -> HeadStep {
        var position = 0
        while true {
            let step = unsafe buffer.withBytes { bytes in
                unsafe ResponseHead.parse(UnsafeRawBufferPointer(rebasing: bytes[position...]))
            }
            switch step {
            case .needMore: return .needMore(consumed: position)
            case .malformed(let rule): return .malformed(rule)
            case .done(let head, let consumed):
                position += consumed
                if head.status == 101 { return .malformed("nobody asked for another protocol") }
                if head.status >= 200 {
                    state = .readingBody(head)
                    decoder = BodyDecoder(head.framing)
                    return .done(consumed: position)
                }
            }
        }
    }

    // MARK: The body

    /// The next step through the body.
    mutating func nextStep() -> BodyDecoder.Step {
        var decoder = decoder
        let step = unsafe buffer.withBytes { unsafe decoder.next($0) }
        self.decoder = decoder
        return step
    }

    /// Calls `use` with the bytes of a step.
    func withBytes<Result>(
        in range: Range<Int>, _ use: (UnsafeRawBufferPointer) throws(ClientError) -> Result
    ) -> Swift.Result<Result, ClientError> {
        unsafe buffer.withBytes { bytes in
            Swift.Result { () throws(ClientError) in
                try unsafe use(UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
        }
    }

    /// Calls `take` with each piece of the body that is here.
    ///
    /// - Returns: how many bytes were used, and where the body stands.
    mutating func readBody(_ take: (UnsafeRawBufferPointer) -> Void) -> (consumed: Int, BodyDecoder.Stop) {
        var decoder = decoder
        let result = unsafe buffer.withBytes { unsafe decoder.run($0, take) }
        self.decoder = decoder
        return result
    }

    /// Notes that the connection ended properly. Returns whether this is the body's proper end too.
    mutating func close() -> Bool { decoder.close() }
}
