package import HTTPClient

extension OllamaClient {
    /// Maximum bytes of a listing; enough for several thousand models.
    package static let listingLimit = 8 * 1024 * 1024

    /// Sends a request of an API as it is, and gives `receiver` the response as it arrives. Returns when the answer is
    /// complete.
    ///
    /// - Parameters:
    ///   - request: the body.
    ///   - path: where it is posted.
    ///   - isAnswer: whether a stream is complete only with its API's own marker, as the answers of models are.
    ///   - lines: the fields of the request, each with its CRLF, without those about the host and the connection.
    ///   - deadlines: used instead of the client's deadlines.
    /// - Returns: the tokens of the answer, if it says how many.
    /// - Throws: `OllamaError`, before or after something was received. When the task is cancelled the request ends at
    ///   once.
    package func forward(
        _ request: Payload, to path: String, isAnswer: Bool = true, lines: [UInt8], to receiver: some ForwardReceiver,
        deadlines: Deadlines? = nil
    ) async throws(OllamaError) -> Int? {
        var reader: ForwardReader?
        var refusal: OllamaError?
        do throws(ClientError) {
            try await origin.withResponse(
                to: (isAnswer ? template(for: path) : template("POST", path)).adding(lines), payload: request,
                deadlines: deadlines
            ) { response throws(ClientError) in
                guard response.head.status == 200 else {
                    let (body, isWhole) = try await response.refusal(upTo: ForwardReader.refusalLimit)
                    receiver.refuse(ForwardedHead(response), body, isWhole: isWhole)
                    refusal = Self.refusal(response.head, body)
                    return
                }
                try response.requirePlainBody()
                let sink = ForwardReader(receiver, response, hasMarker: isAnswer)
                reader = sink
                _ = try await response.deliver(to: sink)
            }
        } catch {
            // Otherwise only the end of the HTTP message is missing.
            guard let reader, reader.isMarkedAsComplete else { throw .transport(error) }
        }
        if let refusal { throw refusal }
        try reader?.end()
        return reader?.tokens
    }

    private static func refusal(_ head: ResponseHead, _ body: [UInt8]) -> OllamaError {
        let error = unsafe body.withUnsafeBytes { unsafe ReportedError(body: $0) }
        return error.map { .refused(head, $0) }
            ?? .refused(status: head.status, message: "", retryAfter: head.retryAfter)
    }

    /// Asks for something that runs no model.
    ///
    /// - Returns: the whole response, whatever its status.
    /// - Throws: `OllamaError.transport`.
    package func fetch(
        _ method: String, _ path: String, _ body: Payload?, lines: [UInt8], deadlines: Deadlines
    ) async throws(OllamaError) -> (head: ForwardedHead, body: [UInt8]) {
        do throws(ClientError) {
            return try await origin.withResponse(
                to: template(method, path).adding(lines), payload: body, deadlines: deadlines
            ) { response throws(ClientError) in
                try response.requirePlainBody()
                return (ForwardedHead(response), try await response.body(upTo: Self.listingLimit))
            }
        } catch {
            throw .transport(error)
        }
    }
}
