internal import APIs
internal import EventLoop

/// What one prompt uses of its tenant's tokens. They are counted as they come; when the prompt has ended, what the backend
/// says of them counts. Belongs to the loop's thread.
final class TokenBill {
    let tenant: Tenant
    private let input: Int
    private var reserved: Int
    private var counted = 0
    /// The bytes of an answer that is passed on whole, as far as they have come.
    private var wholeBytes = 0
    /// Whether a model writes an answer.
    private let writes: Bool

    /// - Parameter bytes: the length of the prompt's text.
    init(_ tenant: Tenant, for bytes: Int, writes: Bool) {
        self.tenant = tenant
        self.writes = writes
        input = Tenant.tokens(in: bytes)
        reserved = tenant.reserve(for: bytes, writes: writes)
    }

    /// Tokens of the answer have come.
    func count(_ tokens: Int, at now: LoopInstant) {
        let returned = min(tokens, reserved)
        reserved -= returned
        counted += tokens
        tenant.use(tokens, returning: returned, at: now)
    }

    /// Bytes of an answer have come whose parts are not counted.
    func receive(_ bytes: Int) { wholeBytes += bytes }

    /// The prompt has ended. What the backend does not say is estimated, so that nobody gets tokens for nothing by leaving
    /// early.
    ///
    /// - Parameters:
    ///   - wasAsked: whether it was sent to a backend.
    ///   - isCounted: whether the parts of its answer were counted.
    func settle(_ usage: TokenUsage, wasAsked: Bool, isCounted: Bool, at now: LoopInstant) {
        var (input, output) = (usage.input ?? 0, usage.output ?? 0)
        if wasAsked || counted > 0 {
            input = usage.input ?? self.input
            let expected = isCounted ? 0 : max(Tenant.tokens(in: wholeBytes), tenant.usualTokens - input)
            output = usage.output ?? (writes ? max(counted, expected) : 0)
        }
        tenant.use(input + output - counted, returning: reserved, at: now)
        reserved = 0
        counted = input + output
        tenant.totals.inputTokens += input
        tenant.totals.outputTokens += output
        if usage.output != nil && writes { tenant.learn(input + output) }
    }
}
