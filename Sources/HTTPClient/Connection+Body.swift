import EventLoop

/// Reading the body of the response: piece by piece, or by a sink as it arrives.
extension Connection {
    /// Calls `use` with the next piece of the body as soon as there is one; `nil` at the body's end.
    ///
    /// - Parameter limit: how long it may take; `nil`: the idle timeout.
    func nextPiece<Result>(
        within limit: Duration? = nil, _ use: (Span<UInt8>) throws(ClientError) -> Result
    ) async throws(ClientError) -> Result? {
        while true {
            switch response.nextStep() {
            case .data(let range, let consumed):
                defer { consume(consumed) }
                return try response.withBytes(in: range, use).get()
            case .end(let consumed):
                consume(consumed)
                return nil
            case .malformed(let rule):
                throw .malformed("\(rule)", .body)
            case .needMore(let consumed):
                consume(consumed)
                if try hasBodyEnded() { return nil }
                deadline.wait(for: .idle, atMost: limit)
                await changed.wait()
                deadline.waitForTotal()  // the idle timeout must not include the caller's own work
            }
        }
    }

    /// Gives the body to `sink` until it ends, or the sink stops it.
    ///
    /// - Returns: whether the body came to its end.
    func deliver(to sink: some BodySink) async throws(ClientError) -> Bool {
        delivery = .running(sink)
        defer { delivery = nil }
        deliver()
        while true {
            if case .finished(let isWhole) = delivery { return isWhole }
            if try hasBodyEnded() { return true }
            await changed.wait()
        }
    }

    /// Gives the sink the bytes that have arrived.
    func deliver() {
        guard case .running(let sink) = delivery else { return }
        let (consumed, stop) = response.readBody { sink.receive($0) }
        consume(consumed)
        switch BodyDelivery.next(after: stop, sink.endRead()) {
        case .finish(let isWhole):
            delivery = .finished(isWhole: isWhole)
            deadline.waitForTotal()
            changed.signal()
        case .fail(let rule): fail(.malformed(rule, .body))
        case .wait(let limit): deadline.wait(for: .idle, atMost: limit)
        case .pause:
            stream?.setReading(false)
            deadline.waitForTotal()  // the idle timeout must not include the sink's pause
        }
    }

    /// Resumes a body whose sink paused.
    func resumeDelivery() {
        guard case .running = delivery, failure == nil else { return }
        deadline.wait(for: .idle)
        stream?.setReading(true)
    }

    /// Whether the body ended with the connection, which is the proper end of some bodies. Throws when the body is cut.
    private func hasBodyEnded() throws(ClientError) -> Bool {
        guard let failure else { return false }
        if case .closed(errno: 0, _) = failure, response.close() { return true }
        throw failure
    }

    /// Removes `count` used bytes of the response from the buffer.
    func consume(_ count: Int) {
        if response.consume(count) { stream?.setReading(true) }
    }
}
