internal import JSON
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Logging
internal import Ollama

/// Prompts that no host can serve, and the models that are asked in their model's place.
extension PromptFunction {
    /// Names the model in the reply, if another one may answer in its place.
    func noteModel(of prompt: Prompt, _ reply: some ClientReply) {
        if !settings.fallbacks.chain(of: prompt.model).isEmpty { reply.modelField = prompt.modelText }
    }

    /// Ends a prompt that has failed: by another model's answer if there may be one, else by the reason.
    @inline(never)
    func end(_ request: Request, _ reply: some ClientReply, after failure: PromptFailure) async {
        let last = await fallBack(after: failure, reply) { [self] in client(of: request) }
        guard let last else { return finish(reply, nil) }
        note(last, of: reply.firstRecord)
        finish(reply, last)  // as long as the request can be read
        reply.fail(last)
    }

    /// A prompt's reply is complete, or has failed.
    @inline(__always)
    func finish(_ reply: some ClientReply, _ failure: PromptFailure?) {
        if let monitor { reply.forEachRecord { monitor.end($0, failure) } }
    }

    /// Asks the models that stand in for the one that has failed, as long as the client has nothing.
    ///
    /// - Returns: `nil` if one of them has answered, else why the last one did not.
    @inline(never)
    func fallBack(
        after failure: PromptFailure, _ reply: some ClientReply, client: @escaping () -> ClientIdentity
    ) async -> PromptFailure? {
        guard !settings.fallbacks.isEmpty, let prompt = reply.prompt else { return failure }
        var failure = failure
        for other in settings.fallbacks.chain(of: prompt.model) {
            guard failure.mayHaveFallback, !reply.hasBegun else { break }
            if let tenant = reply.tenant, !tenant.settings.models.allows(other) { continue }
            note(failure, of: reply.firstRecord)
            guard let next = await work.run(weight: prompt.payload.count, { prompt.asking(other) }) else { break }
            monitor?.fellBack()
            var metadata = reply.firstRecord?.logMetadata ?? [:]
            metadata["model"] = "\(other.cut(to: 200))"
            log.notice("asking another model", metadata: metadata)
            do throws(PromptFailure) {
                try await answer(next, reply, client: client)
                return nil
            } catch {
                failure = error
            }
        }
        return failure
    }

    private func answer(
        _ prompt: Prompt, _ reply: some ClientReply, client: @escaping () -> ClientIdentity
    ) async throws(PromptFailure) {
        reply.prompt = prompt
        reply.modelField = prompt.modelText
        try reply.hold(prompt.payload.count)
        reply.forEachRecord { $0.queue(at: loop.now) }
        let admissionRequest = admissionRequest(for: prompt, of: reply.tenant)
        let permit = try await admission.acquire(admissionRequest, client: client) { reply.positionInQueue = $0 }
        reply.positionInQueue = nil
        try await answer(prompt, admissionRequest, with: permit, reply)
    }
}

extension PromptFailure {
    /// Whether another model may be asked: no host has the model, or can serve it now.
    fileprivate var mayHaveFallback: Bool {
        switch self {
        case .allBackendsDown: true
        case .ollama(.refused(status: 404, _, _), _, _): true
        case .ollama(let error, _, _): error.mayDifferElsewhere || error.saysBusy
        default: false
        }
    }
}
