internal import Digests
internal import EventLoop

/// Finds the tenant that has sent a request. Belongs to the loop's thread.
final class TenantDirectory {
    /// In the order of the file.
    private(set) var all: [Tenant] = []
    private var byKey: [SHA256Digest: Tenant] = [:]
    private var next: UInt32 = 0
    private let loop: EventLoop

    init(_ settings: TenantSettings, on loop: EventLoop) {
        self.loop = loop
        replace(with: settings)
    }

    /// Uses other settings. A tenant with the same name keeps what it has used; prompts of one that is gone go on.
    func replace(with settings: TenantSettings) {
        let former = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
        all = settings.entries.map { entry in
            if let tenant = former[entry.name] {
                tenant.settings = entry
                return tenant
            }
            next += 1
            return Tenant(entry, number: next, on: loop)
        }
        byKey = [:]
        for tenant in all {
            for key in tenant.settings.keys { byKey[key] = tenant }
        }
    }

    /// The tenant whose key it is. Only digests are compared, so how long that takes says nothing about a key.
    func tenant(withKey key: Substring) -> Tenant? { byKey[SHA256Digest(of: key)] }
}
