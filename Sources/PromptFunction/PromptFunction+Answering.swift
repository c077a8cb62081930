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
        var failed: [OllamaBackend] = []
        var busy = 0
        var count: Int { failed.count + busy }
    }

    /// Returns the admission request for a prompt.
    func admissionRequest(for prompt: Prompt) -> Admission.Request {
        Admission.Request(prompt, wait: PromptTimeouts.lower(settings.queueTimeout, prompt.timeouts.queue))
    }

    /// Gets an answer. If a backend fails before the first byte of its response, asks another one. If a backend is
    /// busy, retries after a pause. Never retries after the first byte.
    ///
    /// - Parameters:
    ///   - request: the prompt's admission request, to get further permits.
    ///   - permit: the permit for the first backend.
    @inline(never)  // a task that waits for a permit must not hold the memory of later steps
    func answer(
        _ prompt: Prompt, _ request: Admission.Request, with permit: Permit, _ reply: PromptReply
    ) async throws(PromptFailure) {
        var permit = permit
        var attempts = Attempts(began: loop.now)
        while true {
            let pause: Duration
            do throws(OllamaError) {
                try await ask(permit.backend.client, prompt, reply, since: attempts)
                admission.release(permit, .answered, tokens: reply.tokens)
                return
            } catch {
                admission.release(permit, outcome(of: error, prompt, attempts))
                pause = try retry(after: error, prompt, at: permit.backend, &attempts)
            }
            request.failed = attempts.failed
            await loop.sleep(for: pause)
            if Task.isCancelled { throw .cancelled }
            permit = try await admission.acquire(request, client: nil) { reply.positionInQueue = $0 }
            reply.positionInQueue = nil
        }
    }

    /// Decides whether to retry a prompt, and logs each retry.
    ///
    /// - Returns: the pause before the retry.
    /// - Throws: the failure, if the prompt is not retried.
    private func retry(
        after error: OllamaError, _ prompt: Prompt, at backend: OllamaBackend, _ attempts: inout Attempts
    ) throws(PromptFailure) -> Duration {
        let failure = PromptFailure.ollama(error, model: prompt.modelText)
        guard let pause = nextTry(after: error, backend, &attempts) else { throw failure }
        log.notice(
            "retrying after a failure",
            metadata: ["ollama": "\(backend.host.url)", "cause": "\(failure.cause.prefix(500))"])
        return pause
    }

    @inline(never)
    private func ask(
        _ client: OllamaClient, _ prompt: Prompt, _ reply: PromptReply, since attempts: Attempts
    ) async throws(OllamaError) {
        let deadlines = try deadlines(for: prompt, since: attempts)
        if prompt.isStreamed {
            try await client.stream(prompt.payload, to: reply, deadlines: deadlines)
        } else {
            reply.send(try await client.answer(to: prompt.payload, as: reply.form.whole, deadlines: deadlines))
        }
    }

    /// Returns deadlines other than the server's, if the client lowers them or earlier attempts took some of the time.
    private func deadlines(for prompt: Prompt, since attempts: Attempts) throws(OllamaError) -> Deadlines? {
        let lowered = prompt.timeouts.deadlines(within: settings.deadlines)
        guard attempts.count > 0 else { return lowered }
        var deadlines = lowered ?? settings.deadlines
        guard deadlines.total > .zero else { return deadlines }
        deadlines.total = deadlines.total - (loop.now - attempts.began)  // all attempts share the time of one
        if deadlines.total <= .zero { throw .transport(.timeout(.total)) }
        return deadlines
    }

    /// Returns what a failure says about the backend. It says nothing if the client left or set shorter timeouts, or if
    /// earlier attempts took the time.
    private func outcome(of error: OllamaError, _ prompt: Prompt, _ attempts: Attempts) -> Permit.Outcome {
        switch error {
        case .transport(.cancelled): .inconclusive
        case .transport(.timeout(.total)) where attempts.count > 0: .inconclusive
        case .transport(.timeout) where prompt.timeouts.deadlines(within: settings.deadlines) != nil: .inconclusive
        default: .failed(error)
        }
    }

    /// Returns the pause before a retry; `nil` if the prompt is not retried.
    private func nextTry(after error: OllamaError, _ backend: OllamaBackend, _ attempts: inout Attempts) -> Duration? {
        if case .refused(status: 503, _, _) = error {
            attempts.busy += 1
            let longest = 200 << attempts.busy  // milliseconds
            let pause = Duration.milliseconds(Int.random(in: (longest / 2)...longest))
            let isInTime = loop.now - attempts.began + pause < Self.busyTime
            return attempts.busy <= Self.busyRetries && isInTime ? pause : nil
        }
        guard error.isBeforeFirstByte else { return nil }
        attempts.failed.append(backend)
        // If the other backends failed meanwhile, this backend may have been asked twice.
        guard attempts.failed.count < backends.count else { return nil }
        let hasOther = backends.contains { other in other.admitsPrompts && !attempts.failed.contains { $0 === other } }
        return hasOther ? .zero : nil
    }
}

extension OllamaError {
    /// Whether the failure came before any byte of a response: then another backend can be asked, and the client gets
    /// nothing twice.
    fileprivate var isBeforeFirstByte: Bool {
        switch self {
        case .transport(.unresolved), .transport(.unreachable), .transport(.timeout(.connect)),
            .transport(.timeout(.firstByte)), .transport(.closed(_, beforeFirstByte: true)):
            true
        default: false
        }
    }
}
