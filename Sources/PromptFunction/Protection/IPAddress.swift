internal import EventLoop
internal import Glibc

/// A numeric address without port and zone. An IPv4 address is stored as its mapped IPv6 address, so that `1.2.3.4` and
/// `::ffff:1.2.3.4` are equal.
struct IPAddress: Hashable, Sendable {
    /// The address as one number; its first byte is the most significant.
    let bits: UInt128

    /// The prefix of a mapped IPv4 address. Source: RFC 4291, 2.5.5.2.
    static let mappedPrefix: UInt128 = 0xFFFF << 32

    init(bits: UInt128) { self.bits = bits }

    init(v4: UInt32) { bits = Self.mappedPrefix | UInt128(v4) }

    /// The address of a peer; `nil` for a family that is neither IPv4 nor IPv6.
    init?(_ address: SocketAddress) {
        let found: UInt128? = unsafe withUnsafeBytes(of: address.storage) { bytes in
            switch CInt(address.storage.ss_family) {
            case AF_INET:  // sin_addr
                Self(v4: UInt32(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))).bits
            case AF_INET6:  // sin6_addr
                UInt128(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt128.self))
            default: nil
            }
        }
        guard let found else { return nil }
        bits = found
    }

    /// Whether it is an IPv4 address.
    var isV4: Bool { bits >> 32 == Self.mappedPrefix >> 32 }

    /// Whether it is in 127.0.0.0/8, or ::1.
    var isLoopback: Bool { v4.map { $0 >> 24 == 127 } ?? (bits == 1) }

    /// The IPv4 address as a number, if it is one.
    var v4: UInt32? { isV4 ? UInt32(truncatingIfNeeded: bits) : nil }
}

extension IPAddress {
    /// Reads `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`; `nil` for all else, such as names, zones, brackets,
    /// spaces, and octets with a leading zero, which some programs read as octal.
    ///
    /// Source: inet_pton(3).
    init?(_ text: Substring) {
        let text = String(text)
        guard text.utf8.count < Int(INET6_ADDRSTRLEN) else { return nil }
        if text.utf8.contains(UInt8(ascii: ":")) {
            var address = in6_addr()
            guard unsafe inet_pton(AF_INET6, text, &address) == 1 else { return nil }
            self.init(
                bits: unsafe withUnsafeBytes(of: address) {
                    unsafe UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self))
                })
        } else {
            var address = in_addr()
            guard unsafe inet_pton(AF_INET, text, &address) == 1 else { return nil }
            self.init(v4: UInt32(bigEndian: address.s_addr))
        }
    }

    /// Reads an entry of X-Forwarded-For: an address, which some proxies write with a port: `192.0.2.1:80`,
    /// `[2001:db8::1]:80`.
    init?(forwarded text: Substring) {
        if text.utf8.first == UInt8(ascii: "[") {
            guard let end = text.utf8.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let inner = text[text.utf8.index(after: text.startIndex)..<end]
            let port = text[text.utf8.index(after: end)...]
            guard inner.utf8.contains(UInt8(ascii: ":")), Self.isPort(port) else { return nil }
            self.init(inner)
            return
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text[..<colon].utf8.contains(UInt8(ascii: "."))
        else {
            self.init(text)
            return
        }
        guard Self.isPort(text[colon...]) else { return nil }
        self.init(text[..<colon])
    }

    /// Whether the text is empty, or a colon and a port.
    private static func isPort(_ text: Substring) -> Bool {
        let digits = text.utf8.dropFirst()
        return text.isEmpty
            || text.utf8.first == UInt8(ascii: ":") && !digits.isEmpty
                && digits.allSatisfy { (0x30...0x39).contains($0) }
                && UInt16(text.dropFirst()) != nil
    }
}
