internal import APIs
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Logging
internal import Ollama

extension PromptFunction {
    /// How often, and for how long, a prompt is retried if a backend was too busy for it.
    private static let busyRetries = 3
    private static let busyTime = Duration.seconds(10)

    /// The attempts made for one prompt.
    private struct Attempts {
        /// When the first attempt began: the time in the queue before it does not count as Ollama's time.
        let began: LoopInstant
        /// The backends that failed in another way than by being busy.
        var failed: [EngineBackend] = []
        /// The backends that were busy since the last pause.
        var busy: [EngineBackend] = []
        var pauses = 0
        var count = 0
        /// The backends that are asked again only if there is no other.
        var avoided: [EngineBackend] { failed + busy }
    }

    /// Returns the admission request for a prompt.
    func admissionRequest(for prompt: Prompt, of tenant: Tenant?) -> Admission.Request {
        Admission.Request(prompt, of: tenant, wait: PromptTimeouts.lower(admission.limits.wait, prompt.timeouts.queue))
    }

    /// Gets an answer. If a backend fails or refuses what others may answer, asks another one, as long as no part of an
    /// answer has come. If all backends are busy, retries after a pause.
    ///
    /// - Parameters:
    ///   - request: the prompt's admission request, to get further permits.
    ///   - permit: the permit for the first backend.
    @inline(never)  // a task that waits for a permit must not hold the memory of later steps
    func answer(
        _ prompt: Prompt, _ request: Admission.Request, with permit: Permit, _ reply: some ClientReply
    ) async throws(PromptFailure) {
        defer { admission.end(request) }
        var permit = permit
        var attempts = Attempts(began: loop.now)
        while true {
            let pause: Duration
            do throws(OllamaError) {
                let deadlines = try deadlines(for: prompt, since: attempts)
                let options = options(deadlines, for: reply)
                noteTrial(permit, reply)
                loads?.keep(prompt, on: permit.backend)
                if monitor != nil { reply.noteAsking(permit.backend) }
                let usage = try await reply.ask(permit.backend.client, prompt, options: options)
                admission.release(permit, .answered, tokens: usage.output)
                if monitor != nil { noteEnd(of: permit, reply, usage) }
                return
            } catch {
                admission.release(permit, outcome(of: error, prompt, attempts))
                if monitor != nil { noteEnd(of: permit, reply, TokenUsage(), error) }
                pause = try retry(after: error, prompt, at: permit.backend, reply, &attempts)
            }
            request.failed = attempts.avoided
            let failed = permit.backend
            reply.forEachRecord { $0.queue(at: loop.now) }
            await loop.sleep(for: pause)
            if Task.isCancelled { throw .cancelled }
            permit = try await admission.acquire(request, client: nil) { reply.positionInQueue = $0 }
            reply.positionInQueue = nil
            monitor?.retried(elsewhere: permit.backend !== failed)
        }
    }

    /// What is special about a prompt's request to a backend. Its trace goes on there, and who follows the prompt learns
    /// how long connecting takes.
    @inline(never)
    private func options(_ deadlines: Deadlines?, for reply: some ClientReply) -> RequestOptions? {
        guard let monitor, monitor.followsRequests else {
            return deadlines.map { RequestOptions(deadlines: $0) }
        }
        // The options live no longer than the request to the backend, so they may hold the reply.
        let trace = reply.firstRecord?.trace
        return RequestOptions(deadlines: deadlines, lines: trace?.lines ?? []) { [reply] time in
            reply.forEachRecord { $0.connected(after: time) }
        }
    }

    /// A backend has finished with a prompt.
    @inline(never)
    private func noteEnd(of permit: Permit, _ reply: some ClientReply, _ usage: TokenUsage, _ error: OllamaError? = nil)
    {
        reply.forEachRecord { $0.usage = usage }
        permit.backend.metrics?.ended(error?.kind)
    }

    /// If the prompt tries a host after its failures, the host is used again as soon as it begins to answer.
    @inline(never)
    private func noteTrial(_ permit: Permit, _ reply: some ClientReply) {
        guard permit.backend.isPaused(for: permit.pauseName, at: loop.now) else { return }
        reply.onBegin = { permit.backend.endPauses(of: permit.pauseName) }
    }

    /// Decides whether to retry a prompt, and logs each retry.
    ///
    /// - Returns: the pause before the retry.
    /// - Throws: the failure, if the prompt is not retried.
    private func retry(
        after error: OllamaError, _ prompt: Prompt, at backend: EngineBackend, _ reply: some ClientReply,
        _ attempts: inout Attempts
    ) throws(PromptFailure) -> Duration {
        let failure = PromptFailure.ollama(error, model: prompt.modelText, host: .init(backend))
        guard let pause = nextTry(after: error, prompt, backend, reply, &attempts) else {
            if error.saysMissing && isElsewhere(prompt.model) { throw admission.allBackendsDown }
            throw failure
        }
        var metadata = failure.logMetadata(withTexts: settings.logsTexts)
        metadata.merge(reply.firstRecord?.logMetadata ?? [:]) { $1 }
        log.notice("retrying after a failure", metadata: metadata)
        return pause
    }

    /// Returns deadlines other than the server's, if the client lowers them or earlier attempts took some of the time.
    private func deadlines(for prompt: Prompt, since attempts: Attempts) throws(OllamaError) -> Deadlines? {
        var allowed = settings.deadlines
        let mayBeSilent = prompt.hasTools && allowed.idle > .zero
        if mayBeSilent {  // Ollama says nothing while a model writes a tool call
            allowed.idle = allowed.firstByte > .zero ? max(allowed.idle, allowed.firstByte) : .zero
        }
        let lowered = prompt.timeouts.deadlines(within: allowed)
        guard attempts.count > 0 else { return lowered ?? (mayBeSilent ? allowed : nil) }
        var deadlines = lowered ?? allowed
        guard deadlines.total > .zero else { return deadlines }
        deadlines.total = deadlines.total - (loop.now - attempts.began)  // all attempts share the time of one
        if deadlines.total <= .zero { throw .transport(.timeout(.total)) }
        return deadlines
    }

    /// Returns what a failure says about the backend. It says nothing if the client left or set shorter timeouts, or if
    /// earlier attempts took the time.
    private func outcome(of error: OllamaError, _ prompt: Prompt, _ attempts: Attempts) -> Permit.Outcome {
        switch error {
        case .transport(.cancelled), .untranslatable: .inconclusive
        case .transport(.timeout(.total)) where attempts.count > 0: .inconclusive
        case .transport(.timeout) where prompt.timeouts.deadlines(within: settings.deadlines) != nil: .inconclusive
        default: .failed(error)
        }
    }

    /// Returns the pause before a retry; `nil` if the prompt is not retried.
    private func nextTry(
        after error: OllamaError, _ prompt: Prompt, _ backend: EngineBackend, _ reply: some ClientReply,
        _ attempts: inout Attempts
    ) -> Duration? {
        attempts.count += 1
        if error.saysBusy {
            attempts.busy.append(backend)
            return hasOther(than: attempts, with: prompt.model) ? .zero : pause(&attempts)
        }
        // Both may be otherwise elsewhere, but only where the model is.
        let isMissing = error.saysMissing || error.isUntranslatable
        guard isMissing || error.mayDifferElsewhere, !reply.hasBegun, error != .transport(.timeout(.total)) else {
            return nil
        }
        attempts.failed.append(backend)
        // If the other backends failed meanwhile, this backend may have been asked twice.
        guard attempts.failed.count < backends.count else { return nil }
        if hasOther(than: attempts, with: isMissing ? prompt.model : nil) { return .zero }
        return attempts.busy.isEmpty ? nil : pause(&attempts)  // those that were busy are asked again
    }

    /// Whether a backend has the model that admits no prompts now.
    private func isElsewhere(_ model: ModelName) -> Bool {
        backends.contains { !$0.admitsPrompts && $0.inventory.availability(of: model, at: loop.now) > .unknown }
    }

    /// Whether a backend admits prompts that has not failed this one.
    ///
    /// - Parameter model: a model that it may have; `nil`: any.
    private func hasOther(than attempts: Attempts, with model: ModelName? = nil) -> Bool {
        let avoided = attempts.avoided
        return backends.contains { other in
            guard other.admitsPrompts, !avoided.contains(where: { $0 === other }) else { return false }
            return model.map { other.inventory.availability(of: $0, at: loop.now) > .absent } ?? true
        }
    }

    /// Returns the pause before all backends, which are busy, are asked again; `nil` if it is too late for that.
    private func pause(_ attempts: inout Attempts) -> Duration? {
        attempts.busy = []
        attempts.pauses += 1
        let longest = 200 << attempts.pauses  // milliseconds
        let pause = Duration.milliseconds(Int.random(in: (longest / 2)...longest))
        let isInTime = loop.now - attempts.began + pause < Self.busyTime
        return attempts.pauses <= Self.busyRetries && isInTime ? pause : nil
    }
}
