internal import APIs
internal import HTTPClient
internal import Ollama

extension SharedReply: ForwardReceiver where Member == ForwardedReply {
    func begin(_ head: ForwardedHead, _ flow: BodyFlow?) {
        take(flow)
        give(head.fieldLines.count) { member throws(OllamaError) in member.begin(head, flow) }
    }

    func receive(_ bytes: Span<UInt8>, parts: Int) {
        var copy: [UInt8] = []
        copy.append(bytes)
        give(copy.count) { [copy] member throws(OllamaError) in member.receive(copy.span, parts: parts) }
    }

    func end() {
        give(0) { member throws(OllamaError) in
            _ = member.endRead()  // what came in the same read
            member.end()
        }
        _ = endRead()
    }

    func refuse(_ head: ForwardedHead, _ body: [UInt8], isWhole: Bool) {
        introduction = { $0.refuse(head, body, isWhole: isWhole) }
        for seat in seats { introduction?(seat.member) }
    }
}

extension ForwardedReply: SharingReply {
    func take(_ flow: BodyFlow) {}  // it comes with the head

    static func ask(
        _ client: any EngineClient, _ prompt: Prompt, for shared: SharedReply<ForwardedReply>, options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage {
        guard let first = shared.seats.first?.member else { throw .transport(.cancelled) }
        for seat in shared.seats { seat.member.forgetRefusal() }
        let payload = try await first.payload(of: prompt, for: client, holding: shared)
        return try await client.forward(
            payload, to: first.path, .answer(first.route.api, isStreamed: prompt.isStreamed), lines: first.lines,
            to: shared,
            options: options)
    }
}
