extension Connection {
    /// Calls `use` with the next piece of the body as soon as there is one; `nil` at the body's end.
    func nextPiece<Result>(
        _ use: (UnsafeRawBufferPointer) throws(ClientError) -> Result
    ) async throws(ClientError) -> Result? {
        while true {
            let step = unsafe input.withBytes { unsafe decoder.next($0) }
            switch step {
            case .data(let range, let consumed):
                defer { consume(consumed) }
                return unsafe try input.withBytes { bytes in
                    Swift.Result { () throws(ClientError) in
                        try unsafe use(UnsafeRawBufferPointer(rebasing: bytes[range]))
                    }
                }.get()
            case .end(let consumed):
                consume(consumed)
                return nil
            case .malformed(let rule):
                throw .malformed("\(rule)")
            case .needMore(let consumed):
                consume(consumed)
                if let failure {
                    if bodyEndsWithConnection() { return nil }
                    throw failure
                }
                setDeadline(.idle, after: idleDeadline)
                await change()
                setDeadline(.total, after: .zero)  // from here on it is the caller who takes its time
            }
        }
    }

    /// `count` bytes were used.
    func consume(_ count: Int) {
        if input.consume(count) { setReading(true) }
    }

    /// Goes through what is here of the body, and says where it stands.
    func takeBody(_ take: (UnsafeRawBufferPointer) -> Void) -> BodyDecoder.Stop {
        // A copy, so that nobody looks at the connection's while the bytes are with `take`.
        var decoder = decoder
        let (consumed, stop) = unsafe input.withBytes { unsafe decoder.run($0, take) }
        self.decoder = decoder
        consume(consumed)
        return stop
    }

    /// Whether the body is whole, now that the connection has ended by `failure`.
    func bodyEndsWithConnection() -> Bool {
        if case .closed(errno: 0, _) = failure { return decoder.close() }
        return false
    }
}
