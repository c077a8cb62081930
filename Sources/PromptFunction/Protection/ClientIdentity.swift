/// Identifies the client that a prompt belongs to, for fair queueing and rate limits. 9 bytes.
enum ClientIdentity: Hashable, Sendable {
    /// A client with an API key: a hash of the key, with a new seed in each process, so that the key cannot be derived.
    case key(UInt64)
    /// A tenant, whichever of its keys it sends.
    case tenant(UInt32)
    /// An IPv4 address.
    case v4(UInt32)
    /// The first 64 bits of an IPv6 address. One client controls all the other bits, and could otherwise pretend to be
    /// any number of clients.
    case v6(UInt64)

    /// - Parameter key: a key that `APIKeys` knows. With unknown keys, one client could pretend to be many.
    init(key: ArraySlice<UInt8>) {
        var hasher = Hasher()
        hasher.combine(key)
        self = .key(UInt64(bitPattern: Int64(hasher.finalize())))
    }

    init(_ address: IPAddress) {
        self = if let v4 = address.v4 { .v4(v4) } else { .v6(UInt64(truncatingIfNeeded: address.bits >> 64)) }
    }
}
