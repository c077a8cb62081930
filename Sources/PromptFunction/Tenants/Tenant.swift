internal import APIs
internal import EventLoop
internal import HTTPServer
internal import JSON

/// One of those who may send prompts: what it may use, and what it uses. Belongs to the loop's thread.
final class Tenant {
    /// What became of its prompts and requests.
    struct Totals {
        var answered = 0
        var failed = 0
        var cancelled = 0
        /// Refused by one of its limits.
        var refused = 0
        var inputTokens = 0
        var outputTokens = 0
    }

    var name: String { settings.name }
    /// In whose queue its prompts wait.
    let identity: ClientIdentity
    var settings: TenantSettings.Entry
    /// The prompts that backends are handling.
    private(set) var inFlight = 0
    var totals = Totals()
    private var requests = MinuteWindow()
    private var tokens = MinuteWindow()
    /// The tokens that the prompts in flight are expected to use yet.
    private var reserved = 0
    /// The tokens of a prompt and its answer, averaged over the last ones; `nil` before the first.
    private var average: Double?
    private let loop: EventLoop

    /// - Parameter number: differs from those of all other tenants, also of former ones.
    init(_ settings: TenantSettings.Entry, number: UInt32, on loop: EventLoop) {
        self.settings = settings
        self.loop = loop
        identity = .tenant(number)
    }

    // MARK: Prompts in flight

    /// Whether it has as many prompts in flight as it may have.
    var isFull: Bool { settings.maxInFlight > 0 && inFlight >= settings.maxInFlight }

    func begin() { inFlight += 1 }

    func end() { inFlight -= 1 }

    /// - Throws: if it may not ask the model.
    func check(_ model: ModelName, named text: String) throws(PromptFailure) {
        guard settings.models.verdict(on: model) == .refused else { return }
        throw .forbidden("The model '\(text.cut(to: 200))' is not allowed here: ask another model.")
    }

    // MARK: Requests and tokens of a minute

    /// Counts a request, if it may have one more.
    ///
    /// - Throws: why it may not.
    func takeRequest() throws(PromptFailure) {
        let now = loop.now
        if settings.requestsPerMinute > 0 {
            requests.advance(to: now)
            guard requests.total < settings.requestsPerMinute else {
                totals.refused += 1
                throw .rateLimited(retryAfter: max(1, requests.seconds(until: settings.requestsPerMinute - 1)))
            }
        }
        try checkTokens()
        if settings.requestsPerMinute > 0 { requests.add(1, at: now) }
    }

    /// - Throws: if the tokens of the minute are used, or will be by the prompts in flight.
    func checkTokens() throws(PromptFailure) {
        guard settings.tokensPerMinute > 0 else { return }
        tokens.advance(to: loop.now)
        // One prompt may always be asked, also if it will need more than a minute's tokens.
        let inUse = tokens.total + reserved
        guard inUse > 0, inUse + estimate > settings.tokensPerMinute else { return }
        totals.refused += 1
        let rest = max(0, settings.tokensPerMinute - reserved - estimate)
        throw .tokensUsed(retryAfter: max(1, tokens.seconds(until: rest)))
    }

    /// The tokens that a prompt is expected to use.
    private var estimate: Int { average.map { Int($0.rounded(.up)) } ?? 256 }

    /// Sets tokens aside for a prompt.
    func reserve() -> Int {
        let count = estimate
        reserved += count
        return count
    }

    /// Counts tokens, and gives back what was set aside for them.
    func use(_ count: Int, returning returned: Int) {
        reserved -= returned
        if settings.tokensPerMinute > 0 { tokens.add(count, at: loop.now) }
    }

    /// A prompt has used this many tokens altogether.
    func learn(_ count: Int) {
        let count = Double(count)
        average = average.map { $0 + (count - $0) / 8 } ?? count
    }

    /// The tokens used in the last minute.
    var tokensUsed: Int {
        tokens.advance(to: loop.now)
        return tokens.total
    }

    /// The requests of the last minute.
    var requestsUsed: Int {
        requests.advance(to: loop.now)
        return requests.total
    }

    /// What it may use, and what is left of that: the fields RateLimit-Policy and RateLimit of a reply; none without
    /// limits. Source: draft-ietf-httpapi-ratelimit-headers-10.
    var rateLimitFields: [HeaderField] {
        if settings.requestsPerMinute == 0 && settings.tokensPerMinute == 0 { return [] }
        var policy: [String] = []
        var rest: [String] = []
        func add(_ name: String, _ limit: Int, _ used: Int, _ seconds: Int) {
            guard limit > 0 else { return }
            policy.append("\"\(name)\";q=\(limit);w=60")
            rest.append("\"\(name)\";r=\(max(0, limit - used));t=\(seconds)")
        }
        add("requests", settings.requestsPerMinute, requestsUsed, requests.seconds(until: 0))
        add("tokens", settings.tokensPerMinute, tokensUsed + reserved, tokens.seconds(until: 0))
        return [
            HeaderField("RateLimit-Policy", policy.joined(separator: ", ")),
            HeaderField("RateLimit", rest.joined(separator: ", ")),
        ].compactMap { $0 }
    }
}

/// What one prompt uses of its tenant's tokens. They are counted as they come; when the prompt has ended, what the backend
/// says of them counts. Belongs to the loop's thread.
final class TokenBill {
    let tenant: Tenant
    private var reserved: Int
    private var counted = 0

    init(_ tenant: Tenant) {
        self.tenant = tenant
        reserved = tenant.reserve()
    }

    /// Tokens of the answer have come.
    func count(_ tokens: Int) {
        let returned = min(tokens, reserved)
        reserved -= returned
        counted += tokens
        tenant.use(tokens, returning: returned)
    }

    /// The prompt has ended.
    func settle(_ usage: TokenUsage) {
        let output = usage.output ?? counted
        let total = output + (usage.input ?? 0)
        tenant.use(total - counted, returning: reserved)
        reserved = 0
        counted = total
        tenant.totals.inputTokens += usage.input ?? 0
        tenant.totals.outputTokens += output
        if total > 0 { tenant.learn(total) }
    }
}
