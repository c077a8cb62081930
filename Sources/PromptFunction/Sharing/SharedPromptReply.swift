internal import APIs
internal import HTTPClient
internal import Ollama

extension SharedReply: ChatReceiver where Member == PromptReply {
    func begin(_ flow: BodyFlow) { take(flow) }

    func receive(_ part: borrowing ChatPart) {
        let stored = part.stored
        give(stored.bytes.count) { member throws(OllamaError) in try stored.withPart(member.receive) }
        if part.isDone { usage = part.usage }
    }
}

extension PromptReply: SharingReply {
    func take(_ flow: BodyFlow) { begin(flow) }

    static func ask(
        _ client: any EngineClient, _ prompt: Prompt, for shared: SharedReply<PromptReply>, options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage {
        var payload = prompt.payload
        if client.isTranslating { payload = try await shared.translation(of: prompt, to: .chat, for: client) }
        if prompt.isStreamed {
            try await client.stream(payload, to: shared, options: options)
            return shared.usage
        }
        // All of them want the same form: see `SharingKey`.
        let form = shared.seats.first?.member.form.whole ?? .text
        let answer = try await client.answer(to: payload, as: form, in: shared, options: options)
        for seat in shared.seats { seat.member.send(answer) }
        return answer.usage
    }
}
