/// A response whose head has been received, and whose body is read piece by piece. Belongs to the loop's thread.
package struct IncomingResponse: ~Copyable {
    package let head: ResponseHead
    private let connection: Connection

    init(head: ResponseHead, connection: Connection) {
        self.head = head
        self.connection = connection
    }

    /// The fields that a proxy passes on, as lines, each with its CRLF: all but those about the connection, the body's
    /// length and the time. Empty unless the request's template says that they are kept. Source: RFC 9110, 7.6.1.
    package var fieldLines: [UInt8] { connection.fieldLines }

    /// Checks that the body is not compressed.
    ///
    /// - Throws: `ClientError.encoded`.
    package func requirePlainBody() throws(ClientError) {
        if head.isEncoded { throw .encoded }
    }

    /// Calls `use` with the next piece of the body as soon as there is one; `nil` at the body's end.
    ///
    /// The bytes are in a receive buffer that all connections share: they are gone when `use` returns.
    ///
    /// - Throws: `ClientError` when the body is malformed, cut or late.
    package func nextPiece<Result>(
        _ use: (Span<UInt8>) throws(ClientError) -> Result
    ) async throws(ClientError) -> Result? {
        try await connection.nextPiece(use)
    }

    /// How long a piece of a refusal may take. The status says what matters.
    private static let refusalLimit = Duration.seconds(2)

    /// The body of a response that refuses the request, as far as it comes: it may be cut, late or longer than `limit`.
    ///
    /// - Throws: `ClientError.cancelled`.
    package func refusal(upTo limit: Int) async throws(ClientError) -> (body: [UInt8], isWhole: Bool) {
        var body: [UInt8] = []
        var isWhole = false
        do throws(ClientError) {
            while body.count <= limit,
                try await connection.nextPiece(within: Self.refusalLimit, { body.append($0) }) != nil
            {}
            isWhole = body.count <= limit
        } catch {
            if error == .cancelled { throw error }
        }
        return (body.count <= limit ? body : Array(body.prefix(limit)), isWhole)
    }

    /// Gives the body to `sink` as it arrives, inside each read's callback, until it ends or the sink stops it.
    ///
    /// - Returns: whether the body came to its end.
    /// - Throws: `ClientError` when the body is malformed, cut or late.
    package func deliver(to sink: some BodySink) async throws(ClientError) -> Bool {
        try await connection.deliver(to: sink)
    }

    /// Resumes the body after the sink has paused.
    package var flow: BodyFlow { BodyFlow(connection) }

    /// The whole body.
    ///
    /// - Throws: `ClientError.tooLarge` when it is longer than `limit` bytes, and the errors of `nextPiece`.
    package func body(upTo limit: Int) async throws(ClientError) -> [UInt8] {
        var body: [UInt8] = []
        if case .length(let length) = head.framing {
            if length > limit { throw .tooLarge(limit: limit) }
            body.reserveCapacity(length)
        }
        while try await nextPiece({ body.append($0) }) != nil {
            if body.count > limit { throw .tooLarge(limit: limit) }
        }
        return body
    }
}
