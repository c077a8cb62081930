internal import EventLoop
internal import HTTPServer

/// Decides whether a client may send a request, before its body is received. Belongs to the loop's thread.
final class Protection {
    private var proxies: TrustedProxies
    private var keys: APIKeys?
    /// Also of tenants that are no longer named.
    private(set) var directory: TenantDirectory?
    /// `nil` if the operator names none.
    var tenants: TenantDirectory? { directory.flatMap { $0.all.isEmpty ? nil : $0 } }
    private var rate: RateLimit?
    private var requestsPerMinute: Int
    private(set) var origins: OriginPolicy
    private var knownHost = ""
    private let loop: EventLoop

    init(_ settings: ProtectionSettings, on loop: EventLoop) {
        self.loop = loop
        keys = settings.keys
        origins = settings.origins
        proxies = settings.trustedProxies
        directory = settings.tenants.map { TenantDirectory($0) }
        requestsPerMinute = settings.requestsPerMinute
        rate = Self.rate(requestsPerMinute)
    }

    private static func rate(_ perMinute: Int) -> RateLimit? {
        perMinute > 0 ? RateLimit(perMinute: perMinute) : nil
    }

    /// Uses other settings from now on. What clients have used of their limits stays.
    func replace(with settings: ProtectionSettings) {
        keys = settings.keys
        origins = settings.origins
        knownHost = ""
        proxies = settings.trustedProxies
        if let directory {
            directory.replace(with: settings.tenants)
        } else {
            directory = settings.tenants.map { TenantDirectory($0) }
        }
        if requestsPerMinute != settings.requestsPerMinute { rate = Self.rate(settings.requestsPerMinute) }
        requestsPerMinute = settings.requestsPerMinute
    }

    /// - Parameter asksModel: whether a request that is posted is for a prompt, which needs tokens.
    /// - Throws: `PromptFailure` if the client may not send requests, or has sent too many.
    func check(
        _ request: borrowing RequestHead, asksModel: (borrowing RequestHead) -> Bool
    ) throws(PromptFailure) {
        try origins.check(request, knownHost: &knownHost)
        if keys == nil && rate == nil && tenants == nil { return }
        let sender = sender(of: request)
        if (keys != nil || tenants != nil) && !sender.hasKey { throw .unauthorized }
        if let tenant = sender.tenant {
            request.mark = tenant.number
            let now = loop.now
            try tenant.checkRequests(at: now)
            if request.method == .post && tenant.lacksTokens(for: 0, at: now) && asksModel(request) {
                try tenant.checkTokens(for: 0, at: now)
            }
            tenant.takeRequest()
        }
        if let seconds = rate?.take(sender.identity, at: loop.now) { throw .rateLimited(retryAfter: seconds) }
    }

    /// The tenant that sent the request, if one did. `check` must have been called before.
    func tenant(of request: borrowing RequestHead) -> Tenant? {
        directory.flatMap { request.mark > 0 ? $0.tenant(withNumber: request.mark) : nil }
    }

    private static func key(of request: borrowing RequestHead) -> ArraySlice<UInt8>? {
        APIKeys.offered(
            authorization: request.fieldBytes("Authorization"), apiKey: request.fieldBytes("X-API-Key"))
    }

    private func sender(
        of request: borrowing RequestHead
    ) -> (identity: ClientIdentity, hasKey: Bool, tenant: Tenant?) {
        if keys != nil || tenants != nil, let key = Self.key(of: request) {
            if let tenant = tenants?.tenant(withKey: key, of: request) { return (tenant.identity, true, tenant) }
            if let keys, keys.admits(key) { return (ClientIdentity(key: key), true, nil) }
        }
        guard let peer = IPAddress(request.peer[...]) else { return (.v4(0), false, nil) }
        let address = proxies.client(peer: peer, forwardedFor: request.list("X-Forwarded-For"))
        return (ClientIdentity(address), false, nil)
    }

    /// Returns the client that sent the request: by its key if that is known, otherwise by its address.
    func client(of request: borrowing RequestHead) -> ClientIdentity {
        tenant(of: request)?.identity ?? sender(of: request).identity
    }
}
