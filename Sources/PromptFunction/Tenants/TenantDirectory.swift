internal import Digests
internal import EventLoop

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
    private let hasher = SHA256Hasher()
    private let loop: EventLoop

    init(_ settings: TenantSettings, on loop: EventLoop) {
        self.loop = loop
        replace(with: settings)
    }

    /// Uses other settings. A tenant with the same name keeps what it has used; prompts of one that is gone go on.
    ///
    /// - Parameter settings: `nil`: there are no tenants any more.
    func replace(with settings: TenantSettings?) {
        for tenant in all { former[tenant.name] = tenant }
        all = (settings?.entries ?? []).map { entry in
            if let tenant = former.removeValue(forKey: entry.name) {
                tenant.settings = entry
                return tenant
            }
            last += 1
            return Tenant(entry, number: last, on: loop)
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

    /// The tenant whose key it is. Only digests are compared, so how long that takes says nothing about a key.
    func tenant(withKey key: ArraySlice<UInt8>) -> Tenant? { key.isEmpty ? nil : byKey[hasher.digest(of: key)] }
}
