package import EventLoop
package import HTTPClient

extension Origin {
    /// Returns the whole answer to a request.
    ///
    /// - Parameter translation: `nil` for Ollama's own API.
    /// - Throws: `OllamaError`.
    @inline(__always)
    package func answer(
        to request: Payload, _ template: RequestTemplate, as form: WholeForm, in memory: (any AnswerMemory)?,
        options: RequestOptions?, work: WorkQueue, translation: WholeReply.Translation? = nil
    ) async throws(OllamaError) -> WholeAnswer {
        let reply: WholeReply
        do throws(ClientError) {
            reply = try await withResponse(to: template, payload: request, options: options) {
                response throws(ClientError) in
                try await WholeReply(reading: response, as: form, in: memory, work: work, translation: translation)
            }
        } catch {
            throw .transport(error)
        }
        return try reply.answer()
    }

    /// Gives `receiver` the parts of an answer as they arrive. Returns when the answer is complete.
    ///
    /// - Parameter translator: `nil` for Ollama's own API.
    /// - Throws: `OllamaError`, before or after parts were received.
    @inline(__always)
    package func stream(
        _ request: Payload, _ template: RequestTemplate, to receiver: some ChatReceiver, options: RequestOptions?,
        work: WorkQueue, translator: (any LineTranslator)? = nil
    ) async throws(OllamaError) {
        let reader = ChatReader(receiver, translator: translator)
        let translation: WholeReply.Translation? = translator == nil ? nil : { @Sendable _ in nil }
        var refusal: WholeReply?
        do throws(ClientError) {
            refusal = try await withResponse(to: template, payload: request, options: options) {
                response throws(ClientError) in
                guard response.head.status == 200 else {
                    return try await WholeReply(
                        reading: response, as: .object, in: receiver, work: work,
                        translation: translation)
                }
                try response.requirePlainBody()
                receiver.begin(response.flow)
                _ = try await response.deliver(to: reader)
                return nil
            }
        } catch {
            if reader.isComplete { return }  // only the end of the HTTP message is missing
            throw .transport(error)
        }
        _ = try refusal?.answer()
        try reader.end()
    }
}
