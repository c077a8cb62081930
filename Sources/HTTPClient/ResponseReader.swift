/// Reads the responses on a connection, one after another. Belongs to the loop's thread.
///
/// Each method returns how many bytes it used; `consume` then removes them from the buffer.
struct ResponseReader {
    private var buffer = ReceiveBuffer()
    private var state = State.readingHead
    private var decoder = BodyDecoder(.none)
    /// How much of the response has come.
    private(set) var progress = ClientError.Progress.nothing
    private var keepsFields = false
    private var isToHead = false
    /// See `IncomingResponse.fieldLines`.
    private(set) var fieldLines: [UInt8] = []

    private enum State {
        /// The whole head has not come.
        case readingHead
        /// The head has come, and `decoder` finds the body.
        case readingBody(ResponseHead)
    }

    /// Starts over, for the next response.
    ///
    /// - Parameters:
    ///   - keepsFields: whether `fieldLines` is needed.
    ///   - isToHead: whether it is the response to a HEAD.
    mutating func begin(keepsFields: Bool, isToHead: Bool) {
        state = .readingHead
        progress = .nothing
        self.keepsFields = keepsFields
        self.isToHead = isToHead
        if !fieldLines.isEmpty { fieldLines = [] }
    }

    /// Frees the memory of the buffer, with its content.
    mutating func freeMemory() { buffer.reset() }

    /// The head, once it has come.
    var head: ResponseHead? {
        if case .readingBody(let head) = state { head } else { nil }
    }

    /// Whether the response is complete, and another one may follow it.
    var allowsAnother: Bool {
        guard case .readingBody(let head) = state else { return false }
        return head.keepAlive && decoder.isComplete && buffer.isEmpty
    }

    // MARK: Bytes

    /// Takes the bytes of one read, which must stay valid until `endRead`.
    mutating func beginRead(_ bytes: UnsafeRawBufferPointer) {
        progress = head == nil ? .head : .body
        unsafe buffer.beginRead(bytes)
    }

    /// Stores the bytes of the read that were not used. Returns whether so much is stored that reading should stop.
    mutating func endRead() -> Bool {
        buffer.endRead()
        return buffer.isFull
    }

    /// Removes `count` bytes. Returns whether these were the last stored bytes, so that reading may continue.
    mutating func consume(_ count: Int) -> Bool { buffer.consume(count) }

    // MARK: The head

    /// The result of reading the head.
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
            case .done(var head, let consumed):
                position += consumed
                if isToHead { head.framing = .none }
                if head.status == 101 { return .malformed("status 101, but no other protocol was requested") }
                if head.status >= 200 {
                    if keepsFields {
                        fieldLines = unsafe buffer.withBytes { bytes in
                            let head = unsafe UnsafeRawBufferPointer(rebasing: bytes[(position - consumed)..<position])
                            return unsafe PassedOnFields.lines(of: head)
                        }
                    }
                    state = .readingBody(head)
                    decoder = BodyDecoder(head.framing)
                    if unsafe buffer.withBytes(\.count) > position { progress = .body }
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
        in range: Range<Int>, _ use: (Span<UInt8>) throws(ClientError) -> Result
    ) -> Swift.Result<Result, ClientError> {
        unsafe buffer.withBytes { bytes in
            Swift.Result { () throws(ClientError) in
                try use(unsafe Span(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[range])))
            }
        }
    }

    /// Calls `take` with each piece of the body that has arrived.
    ///
    /// - Returns: how many bytes were used, and the state of the body.
    mutating func readBody(_ take: (Span<UInt8>) -> Void) -> (consumed: Int, BodyDecoder.Stop) {
        var decoder = decoder
        let result = unsafe buffer.withBytes { unsafe decoder.run($0, take) }
        self.decoder = decoder
        return result
    }

    /// Notes that the connection ended properly. Returns whether this is also the proper end of the body.
    mutating func close() -> Bool { decoder.close() }
}
