internal import EventLoop
internal import HTTPServer

/// What an operator allows, all of it off unless set.
package struct ProtectionSettings: Sendable {
    /// Who may ask; `nil` for everybody.
    package var keys: APIKeys?
    /// Proxies whose word about a client's address is taken.
    package var trustedProxies = TrustedProxies.nobody
    package var models = ModelPolicy.any
    /// Bytes of a request's prompt and messages; 0 for any number.
    package var maxPromptBytes = 0
    /// What a request's `num_predict` may be; 0 for anything.
    package var maxPredict = 0
    /// Requests a minute of one client; 0 for any number.
    package var requestsPerMinute = 0

    package init() {}
}

/// Decides, before a body is looked at, whether its client may ask. Belongs to the loop's thread.
struct Protection {
    private let proxies: TrustedProxies
    /// Replaced when the operator changes them.
    var keys: APIKeys?
    private var rate: RateLimit?

    init(_ settings: ProtectionSettings) {
        keys = settings.keys
        proxies = settings.trustedProxies
        rate = settings.requestsPerMinute > 0 ? RateLimit(perMinute: settings.requestsPerMinute) : nil
    }

    /// - Throws: `PromptFailure` when the client may not ask, or not so often.
    mutating func check(_ request: Request, at now: LoopInstant) throws(PromptFailure) {
        if keys == nil && rate == nil { return }
        if keys != nil && key(of: request) == nil { throw .unauthorized }
        let client = client(of: request)
        if let seconds = rate?.take(client, at: now) { throw .rateLimited(retryAfter: seconds) }
    }

    private func key(of request: Request) -> ClientIdentity? {
        keys?.client(authorization: request.field("Authorization"), apiKey: request.field("X-API-Key"))
    }

    /// Whom the request is from: the owner of its key if that is known, else its address.
    func client(of request: Request) -> ClientIdentity {
        if let key = key(of: request) { return key }
        guard let peer = IPAddress(request.peer[...]) else { return .v4(0) }
        return ClientIdentity(proxies.client(peer: peer, forwardedFor: request.list("X-Forwarded-For")))
    }
}
