internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Ollama

/// Deterministic prompts that are equal, and share one generation.
extension PromptFunction {
    /// Waits for the answer of a generation for the same prompt that is under way, or of a new one.
    ///
    /// - Throws: why there is no answer.
    @inline(never)
    func share<Member: SharingReply>(
        _ prompt: Prompt, _ key: SharingKey, _ request: Request, _ reply: Member,
        in replies: SharedReplies<Member>
    ) async throws(PromptFailure) {
        reply.prompt = nil  // the generation asks other models, if there are any
        let generation: SharedReplies<Member>.Generation
        let seat: SharedReply<Member>.Seat
        if let found = replies.find(key, prompt.payload) {
            generation = found
            monitor?.metrics.joined()
            seat = found.shared.join(reply)
        } else {
            generation = SharedReplies.Generation(SharedReply(of: prompt, for: reply.tenant, on: loop), prompt.payload)
            seat = generation.shared.join(reply)
            replies.add(generation, as: key)
            generation.shared.onDeserted = { [self, weak generation] in
                guard let generation else { return }
                replies.remove(generation, key)
                loop.startTask { [loop] in
                    await loop.turn()  // the last client may have gone while it was given something
                    generation.task?.cancel()
                }
            }
            start(generation, prompt, key, client(of: request), in: replies)
        }
        await seat.latch.waitUnlessCancelled()
        if let outcome = seat.outcome { return try outcome.get() }
        generation.shared.leave(seat)
        throw .cancelled
    }

    private func start<Member: SharingReply>(
        _ generation: SharedReplies<Member>.Generation, _ prompt: Prompt, _ key: SharingKey, _ client: ClientIdentity,
        in replies: SharedReplies<Member>
    ) {
        generation.task = loop.startTask { [self] in
            let shared = generation.shared
            var outcome = Result<Void, PromptFailure>.success(())
            do throws(PromptFailure) {
                let admissionRequest = admissionRequest(for: prompt, of: shared.tenant)
                let permit = try await admission.acquire(admissionRequest, client: { client }) {
                    shared.positionInQueue = $0
                }
                shared.positionInQueue = nil
                try await answer(prompt, admissionRequest, with: permit, shared)
            } catch {
                if let failure = await fallBack(after: error, shared, client: { client }) {
                    outcome = .failure(failure)
                }
            }
            replies.remove(generation, key)
            shared.end(outcome)
        }
    }
}
