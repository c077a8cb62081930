package import Telemetry

/// The metrics of prompts and backends. The names, units and buckets that begin with `gen_ai` and `faas` are
/// OpenTelemetry's. Source: OpenTelemetry, "Semantic conventions for generative AI metrics" and "for FaaS metrics".
package enum Instruments {
    /// Loading a model can take minutes, so there are bounds beyond OpenTelemetry's.
    private static let firstTokenBounds: [Double] = [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120, 300,
    ]
    private static let durationBounds: [Double] = [
        0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    ]
    private static let tokenBounds: [Double] = (0...13).map { Double(1 << (2 * $0)) }
    private static let perTokenBounds: [Double] = [
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5,
    ]
    private static let invocationBounds: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]

    static let requestDuration = Instrument(
        "gen_ai.server.request.duration", .histogram(durationBounds), .seconds,
        "Time from a prompt's complete request to the end of its answer.")
    static let firstToken = Instrument(
        "gen_ai.server.time_to_first_token", .histogram(firstTokenBounds), .seconds,
        "Time from a prompt's complete request to the first token of its streamed answer.")
    static let timePerToken = Instrument(
        "gen_ai.server.time_per_output_token", .histogram(perTokenBounds), .seconds,
        "Time per token after the first, of streamed answers that are complete.")
    static let tokenUsage = Instrument(
        "gen_ai.client.token.usage", .histogram(tokenBounds), .none,
        "Tokens of prompts (input) and of their answers (output), where the backend says it. In streams of OpenAI's API that is only with include_usage."
    )

    static let invocations = Instrument("faas.invocations", .counter, .none, "Prompts that were answered.")
    static let errors = Instrument(
        "faas.errors", .counter, .none, "Prompts that failed, without those whose client left.")
    static let failures = Instrument(
        "promptd.failures", .counter, .none, "Prompts that failed, by the kind of error. Those whose client left too.")
    static let timeouts = Instrument("faas.timeouts", .counter, .none, "Prompts that failed because a deadline passed.")
    static let invokeDuration = Instrument(
        "faas.invoke_duration", .histogram(invocationBounds), .seconds,
        "Time from a request to the end of its reply, of all prompts.")
    package static let initDuration = Instrument(
        "faas.init_duration", .histogram(invocationBounds), .seconds, "Time from the process's start until it listened."
    )
    package static let coldStarts = Instrument("faas.coldstarts", .counter, .none, "Starts of the process.")

    static let queued = Instrument("promptd.queue.prompts", .gauge, .none, "Prompts that wait in the queue, by class.")
    static let queueLimit = Instrument("promptd.queue.limit", .gauge, .none, "Prompts that may wait in the queue.")
    static let queuedBytes = Instrument("promptd.queue.size", .gauge, .bytes, "Bytes of the prompts in the queue.")
    static let queueBytesLimit = Instrument(
        "promptd.queue.size.limit", .gauge, .bytes, "Bytes of prompts that may wait (--max-queue-bytes).")
    static let ready = Instrument("promptd.ready", .gauge, .none, "1 while readiness answers 200, else 0.")
    static let coalesced = Instrument(
        "promptd.coalesced_prompts", .counter, .none,
        "Prompts that joined the generation of an equal one that was under way (--coalesce).")
    static let queueWait = Instrument(
        "promptd.queue.wait", .histogram(firstTokenBounds + [600, 1800]), .seconds,
        "Time that prompts waited for their first permit, by class: 0 if there was one at once. Those that the queue did not let in are left out."
    )
    static let inFlight = Instrument(
        "promptd.backend.prompts_in_flight", .gauge, .none, "Prompts that a backend is handling.")
    static let limit = Instrument(
        "promptd.backend.limit", .gauge, .none, "Prompts that a backend may handle at once; 0: no limit.")
    static let breaker = Instrument(
        "promptd.backend.breaker", .gauge, .none,
        "1 for the state in which a backend's circuit breaker is: closed, open or half-open.")
    static let attempts = Instrument(
        "promptd.backend.requests", .counter, .none,
        "Requests to a backend for prompts, by how they ended: empty for an answer, else the kind of error.")
    static let retries = Instrument(
        "promptd.retries", .counter, .none, "Prompts sent again after a failure, to the same backend or to another one."
    )
    static let failovers = Instrument(
        "promptd.failovers", .counter, .none, "Prompts sent to another backend after a failure.")
    static let fallbacks = Instrument(
        "promptd.fallbacks", .counter, .none, "Prompts for which another model was asked (--fallback).")
    static let cancellations = Instrument(
        "promptd.cancellations", .counter, .none,
        "Prompts whose client left, by what they were doing: reading (the whole body has come), queued, asking or streaming."
    )
    static let refusals = Instrument(
        "promptd.refusals", .counter, .none,
        "Requests that were refused by their head alone, such as for a missing key, by the kind of error.")
    static let parts = Instrument(
        "promptd.output.parts", .counter, .none,
        "Parts of streamed answers, as they come: usually one for each token.")

    static let tenantPrompts = Instrument(
        "promptd.tenant.prompts", .counter, .none,
        "Prompts of a tenant, by what became of them: answered, failed, cancelled, or refused by a limit of the tenant."
    )
    static let tenantTokens = Instrument(
        "promptd.tenant.tokens", .counter, .none, "Tokens of a tenant's prompts (input) and of their answers (output).")
    static let tenantInFlight = Instrument(
        "promptd.tenant.prompts_in_flight", .gauge, .none, "Prompts of a tenant that backends are handling.")
    static let tenantWaiting = Instrument(
        "promptd.tenant.queued_prompts", .gauge, .none, "Prompts of a tenant that wait in the queue.")

    /// All of them, in the order in which they are shown.
    package static let all = [
        requestDuration, firstToken, timePerToken, tokenUsage, invocations, errors, timeouts, failures, ready,
        invokeDuration,
        initDuration,
        coldStarts, queued, queueLimit, queuedBytes, queueBytesLimit, queueWait, coalesced, inFlight, limit, breaker,
        attempts, retries, failovers, fallbacks,
        cancellations, refusals, parts, tenantPrompts, tenantTokens, tenantInFlight, tenantWaiting,
    ]
}
