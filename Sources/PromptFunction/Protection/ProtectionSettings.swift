/// The operator's limits on requests. All are off unless set.
package struct ProtectionSettings: Sendable {
    /// The keys of clients that may send requests; `nil`: no key is needed.
    package var keys: APIKeys?
    /// Those who may send prompts, besides whoever has one of `keys`.
    package var tenants: TenantSettings?
    /// The proxies that are trusted to report a client's address.
    package var trustedProxies = TrustedProxies.nobody
    /// The web pages that may send requests.
    package var origins = OriginPolicy.unchecked
    package var models = ModelPolicy.any
    /// The maximum bytes of a request's prompt and messages; 0: no limit.
    package var maxPromptBytes = 0
    /// The maximum of a request's `num_predict`; 0: no limit.
    package var maxPredict = 0
    /// The maximum requests per minute for one client; 0: no limit.
    package var requestsPerMinute = 0

    package init() {}

    /// Whether a client must show a key.
    package var needsKey: Bool { keys != nil || tenants?.entries.isEmpty == false }
}
