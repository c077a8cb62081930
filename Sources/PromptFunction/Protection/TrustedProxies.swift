/// The proxies that are trusted to report a client's address.
package struct TrustedProxies: Sendable, Equatable {
    private let networks: [Network]

    package static let nobody = Self(networks: [])

    private init(networks: [Network]) { self.networks = networks }

    /// Reads a comma list of addresses and CIDR blocks; an empty list trusts no proxy. Bits after a block's prefix are
    /// ignored.
    package init(_ list: String) throws(ProtectionError) {
        var networks: [Network] = []
        for entry in CommaList.entries(list) {
            guard let network = Network(entry) else { throw .network(String(entry)) }
            networks.append(network)
        }
        self.networks = networks
    }

    /// The address of the client behind `peer`.
    ///
    /// - Parameter forwardedFor: X-Forwarded-For, all fields of that name joined by commas in their order. Each proxy
    ///   appends the address that connected to it. So the list is read from its end, and only as far as the proxies
    ///   that wrote it are trusted: a client can invent everything further left. Reading stops at an entry that is not
    ///   an address.
    func client(peer: IPAddress, forwardedFor: String?) -> IPAddress {
        var client = peer
        guard var rest = forwardedFor?[...] else { return client }
        while trusts(client) {
            let comma = rest.utf8.lastIndex(of: UInt8(ascii: ","))
            let entry = comma.map { rest[rest.utf8.index(after: $0)...] } ?? rest
            guard let address = IPAddress(forwarded: CommaList.trimmed(entry)) else { return client }
            client = address
            guard let comma else { return client }
            rest = rest[..<comma]
        }
        return client
    }

    func trusts(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// A block of addresses. No IPv6 block contains IPv4 addresses, however large it is.
    private struct Network: Sendable, Equatable {
        let isV4: Bool
        let bits: UInt128
        let mask: UInt128

        init?(_ text: Substring) {
            let slash = text.utf8.firstIndex(of: UInt8(ascii: "/"))
            guard let address = IPAddress(text[..<(slash ?? text.endIndex)]) else { return nil }
            var prefix = 128
            if let slash {
                let digits = text[text.utf8.index(after: slash)...]
                // The prefix length of a mapped address counts from the start of the IPv6 address.
                let offset = text[..<slash].utf8.contains(UInt8(ascii: ":")) ? 0 : 96
                guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                    let length = Int(digits), length + offset <= 128
                else { return nil }
                prefix = length + offset
            }
            isV4 = address.isV4 && prefix >= 96
            mask = prefix == 0 ? 0 : ~UInt128(0) << (128 - prefix)
            bits = address.bits & mask
        }

        func contains(_ address: IPAddress) -> Bool { address.isV4 == isV4 && address.bits & mask == bits }
    }
}
