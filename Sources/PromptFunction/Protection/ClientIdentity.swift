/// Whom a prompt is for: what fairness and rate limits count by. 9 bytes.
enum ClientIdentity: Hashable, Sendable {
    /// A client with an API key: a hash of it, seeded anew in each process, so that the key cannot be told from it.
    case key(UInt64)
    /// An IPv4 address.
    case v4(UInt32)
    /// The first 64 bits of an IPv6 address: one client has all the rest, and could otherwise be as many as it likes.
    case v6(UInt64)

    /// - Parameter key: one that `APIKeys` knows. Anyone could be many clients by sending keys of their own making.
    init(key: some StringProtocol) {
        var hasher = Hasher()
        hasher.combine(key)
        self = .key(UInt64(bitPattern: Int64(hasher.finalize())))
    }

    init(_ address: IPAddress) {
        self = if let v4 = address.v4 { .v4(v4) } else { .v6(UInt64(truncatingIfNeeded: address.bits >> 64)) }
    }
}
