internal import Digests
internal import HTTPServer

/// Finds the tenant that has sent a request. Belongs to the loop's thread.
final class TenantDirectory {
    /// The most former tenants that are remembered.
    private static let mostFormer = 1000

    /// In the order of the file. Empty: there are none any more.
    private(set) var all: [Tenant] = []
    /// Those that are no longer in the file, by their names: their prompts may go on, and they may come back.
    private(set) var former: [String: Tenant] = [:]
    private var byKey: [SHA256Digest: Tenant] = [:]
    /// Also former ones.
    private var byNumber: [UInt32: Tenant] = [:]
    private var last: UInt32 = 0
    /// Differs after each call of `replace`, and from 0.
    private var generation: UInt32 = 0
    private let hasher = SHA256Hasher()

    init(_ settings: TenantSettings) { replace(with: settings) }

    /// Uses other settings. A tenant with the same name keeps what it has used; prompts of one that is gone go on.
    ///
    /// - Parameter settings: `nil`: there are no tenants any more.
    func replace(with settings: TenantSettings?) {
        generation &+= 1
        for tenant in all { former[tenant.name] = tenant }
        all = (settings?.entries ?? []).map { entry in
            if let tenant = former.removeValue(forKey: entry.name) {
                tenant.settings = entry
                return tenant
            }
            last += 1
            return Tenant(entry, number: last)
        }
        if former.count > Self.mostFormer { former = former.filter { $0.value.inFlight > 0 } }
        byKey = [:]
        byNumber = Dictionary(uniqueKeysWithValues: (all + former.values).map { ($0.number, $0) })
        for tenant in all {
            for key in tenant.settings.keys { byKey[key] = tenant }
        }
    }

    /// The tenant that has this number, also if it is no longer in the file.
    func tenant(withNumber number: UInt32) -> Tenant? { byNumber[number] }

    /// The tenant whose key a request has. Only digests are compared, so how long that takes says nothing about a key; a
    /// further request with the same key on the same connection needs no digest.
    func tenant(withKey key: ArraySlice<UInt8>, of request: borrowing RequestHead) -> Tenant? {
        if key.isEmpty { return nil }
        let noted = request.number(for: key)
        if UInt32(noted >> 32) == generation { return byNumber[UInt32(truncatingIfNeeded: noted)] }
        guard let tenant = byKey[hasher.digest(of: key)] else { return nil }
        request.note(UInt64(generation) << 32 | UInt64(tenant.number), for: key)
        return tenant
    }
}
