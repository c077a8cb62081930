internal import EventLoop
internal import HTTPServer

/// Decides whether a client may send a request, before its body is received. Belongs to the loop's thread.
struct Protection {
    private let proxies: TrustedProxies
    /// The current keys. Replaced when the operator changes them.
    var keys: APIKeys?
    private var rate: RateLimit?
    let origins: OriginPolicy
    private var knownHost = ""

    init(_ settings: ProtectionSettings) {
        keys = settings.keys
        origins = settings.origins
        proxies = settings.trustedProxies
        rate = settings.requestsPerMinute > 0 ? RateLimit(perMinute: settings.requestsPerMinute) : nil
    }

    /// - Throws: `PromptFailure` if the client may not send requests, or has sent too many.
    mutating func check(_ request: borrowing RequestHead, at now: LoopInstant) throws(PromptFailure) {
        try origins.check(request, knownHost: &knownHost)
        if keys == nil && rate == nil { return }
        if keys != nil && key(of: request) == nil { throw .unauthorized }
        let client = client(of: request)
        if let seconds = rate?.take(client, at: now) { throw .rateLimited(retryAfter: seconds) }
    }

    private func key(of request: borrowing RequestHead) -> ClientIdentity? {
        keys?.client(authorization: request.field("Authorization"), apiKey: request.field("X-API-Key"))
    }

    /// Returns the client that sent the request: by its key if that is known, otherwise by its address.
    func client(of request: borrowing RequestHead) -> ClientIdentity {
        if let key = key(of: request) { return key }
        guard let peer = IPAddress(request.peer[...]) else { return .v4(0) }
        return ClientIdentity(proxies.client(peer: peer, forwardedFor: request.list("X-Forwarded-For")))
    }
}
