internal import APIs
internal import EventLoop
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
    /// Differs from those of all other tenants, also of former ones, and from 0.
    let number: UInt32
    /// In whose queue its prompts wait.
    var identity: ClientIdentity { .tenant(number) }
    var settings: TenantSettings.Entry {
        didSet { policyLine = Self.policyLine(settings) }
    }
    /// The prompts that backends are handling.
    private(set) var inFlight = 0
    var totals = Totals()
    private let requests = MinuteWindow()
    private let tokens = MinuteWindow()
    /// The tokens that the prompts in flight are expected to use yet.
    private var reserved = 0
    /// The tokens of a prompt and its answer, averaged over the last ones; `nil` before the first.
    private var average: Double?
    /// What it may use: the field RateLimit-Policy of a reply, as a line; empty without limits.
    private var policyLine: [UInt8]

    init(_ settings: TenantSettings.Entry, number: UInt32) {
        self.settings = settings
        self.number = number
        policyLine = Self.policyLine(settings)
    }

    /// Whether its requests or its tokens of a minute are limited.
    var hasLimits: Bool { !policyLine.isEmpty }

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

    /// - Throws: if it may have no further request now.
    func checkRequests(at now: LoopInstant) throws(PromptFailure) {
        let limit = settings.requestsPerMinute
        requests.advance(to: now, limit: limit)
        guard limit > 0 && requests.total >= limit else { return }
        totals.refused += 1
        throw .rateLimited(retryAfter: max(1, requests.seconds(until: limit - 1, limit: limit)))
    }

    /// Counts a request. `checkRequests` must be called before.
    func takeRequest() { requests.add(1) }

    /// Whether there are no tokens for a further prompt.
    ///
    /// - Parameter bytes: the length of its text.
    func lacksTokens(for bytes: Int, at now: LoopInstant) -> Bool {
        let limit = settings.tokensPerMinute
        guard limit > 0 else { return false }
        tokens.advance(to: now, limit: limit)
        // One prompt may always be asked, also if it will need more than a minute's tokens.
        let inUse = tokens.total + reserved
        return inUse > 0 && inUse + estimate(for: bytes) > limit
    }

    /// - Parameter bytes: the length of the prompt's text.
    /// - Throws: if the tokens of the minute are used, or will be by the prompts in flight.
    func checkTokens(for bytes: Int, at now: LoopInstant) throws(PromptFailure) {
        guard lacksTokens(for: bytes, at: now) else { return }
        let (limit, needed) = (settings.tokensPerMinute, estimate(for: bytes))
        totals.refused += 1
        if tokens.total + needed <= limit { throw .tokensUsed(retryAfter: Self.reservedRetry) }
        throw .tokensUsed(retryAfter: max(1, tokens.seconds(until: max(0, limit - needed), limit: limit)))
    }

    /// The seconds after which to try again while only prompts in flight are in the way: nobody knows how long they take.
    private static let reservedRetry = 5
    /// How many bytes of text one token has, about.
    private static let bytesPerToken = 4

    /// About how many tokens a text has.
    static func tokens(in bytes: Int) -> Int { bytes / bytesPerToken }

    /// The tokens that a prompt is expected to use with its answer: as many as the last ones, or its own and some.
    ///
    /// - Parameter bytes: the length of its text.
    private func estimate(for bytes: Int) -> Int { max(usualTokens, Self.tokens(in: bytes)) }

    /// The tokens that a prompt and its answer are expected to have together.
    var usualTokens: Int { average.map { Int($0.rounded(.up)) } ?? 256 }

    /// Sets tokens aside for a prompt.
    ///
    /// - Parameter writes: whether a model writes an answer.
    func reserve(for bytes: Int, writes: Bool) -> Int {
        let count = writes ? estimate(for: bytes) : Self.tokens(in: bytes)
        reserved += count
        return count
    }

    /// Counts tokens, and gives back what was set aside for them.
    func use(_ count: Int, returning returned: Int, at now: LoopInstant) {
        reserved -= returned
        tokens.advance(to: now, limit: settings.tokensPerMinute)
        tokens.add(count)
    }

    /// A prompt has used this many tokens altogether.
    func learn(_ count: Int) {
        let count = Double(count)
        average = average.map { $0 + (count - $0) / 8 } ?? count
    }

    /// The tokens used in the last minute.
    func tokensUsed(at now: LoopInstant) -> Int {
        tokens.advance(to: now, limit: settings.tokensPerMinute)
        return tokens.total
    }

    /// The requests of the last minute.
    func requestsUsed(at now: LoopInstant) -> Int {
        requests.advance(to: now, limit: settings.requestsPerMinute)
        return requests.total
    }

    /// Writes what it may use, and what is left of that: the fields RateLimit-Policy and RateLimit of a reply; none
    /// without limits. Source: draft-ietf-httpapi-ratelimit-headers-10.
    func putRateLimit(at now: LoopInstant, to lines: inout ASCIIText) {
        if policyLine.isEmpty { return }
        lines.put(bytes: policyLine)
        lines.put("RateLimit: ")
        if settings.requestsPerMinute > 0 {
            let (limit, used) = (settings.requestsPerMinute, requestsUsed(at: now))
            lines.put("\"requests\";r=", max(0, limit - used), ";t=", requests.secondsUntilEmpty(limit: limit))
        }
        if settings.tokensPerMinute > 0 {
            let (limit, used) = (settings.tokensPerMinute, tokensUsed(at: now) + reserved)
            // What is set aside is free a minute after it was used, at the earliest.
            let wait = reserved > 0 ? 60 : tokens.secondsUntilEmpty(limit: limit)
            if settings.requestsPerMinute > 0 { lines.put(", ") }
            lines.put("\"tokens\";r=", max(0, limit - used), ";t=", wait)
        }
        lines.put("\r\n")
    }

    /// Those fields, by themselves.
    func rateLimitLines(at now: LoopInstant) -> [UInt8] {
        var lines = ASCIIText()
        putRateLimit(at: now, to: &lines)
        return lines.bytes
    }

    private static func policyLine(_ settings: TenantSettings.Entry) -> [UInt8] {
        let limits = [("requests", settings.requestsPerMinute), ("tokens", settings.tokensPerMinute)]
        let policy = limits.filter { $0.1 > 0 }.map { "\"\($0.0)\";q=\($0.1);w=60" }
        return policy.isEmpty ? [] : Array("RateLimit-Policy: \(policy.joined(separator: ", "))\r\n".utf8)
    }
}

extension ASCIIText {
    fileprivate mutating func put(_ before: StaticString, _ number: Int, _ between: StaticString, _ last: Int) {
        put(before)
        put(number)
        put(between)
        put(last)
    }
}
