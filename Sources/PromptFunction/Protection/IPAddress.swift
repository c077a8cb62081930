internal import EventLoop
internal import Glibc

/// A numeric address without port and zone: IPv6, or IPv4 as its mapped IPv6 address, so that `1.2.3.4` and
/// `::ffff:1.2.3.4` are equal.
struct IPAddress: Hashable, Sendable {
    /// The address as one number, its first byte the most significant.
    let bits: UInt128

    /// What stands before an IPv4 address when it is mapped. Source: RFC 4291, 2.5.5.2.
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

    /// The IPv4 address as a number, if it is one.
    var v4: UInt32? { isV4 ? UInt32(truncatingIfNeeded: bits) : nil }
}

extension IPAddress {
    /// Reads `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`; `nil` for all else, such as names, zones, brackets,
    /// spaces, and octets with a leading zero, which some read as octal.
    init?(_ text: Substring) {
        let text = text.utf8
        guard text.count <= 45 else { return nil }
        if text.contains(UInt8(ascii: ":")) {
            guard let bits = Self.readV6(text) else { return nil }
            self.init(bits: bits)
        } else {
            guard let v4 = Self.readV4(text) else { return nil }
            self.init(v4: v4)
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

    /// Nothing, or a colon and a port.
    private static func isPort(_ text: Substring) -> Bool {
        let digits = text.utf8.dropFirst()
        return text.isEmpty
            || text.utf8.first == UInt8(ascii: ":") && !digits.isEmpty
                && digits.allSatisfy { (0x30...0x39).contains($0) }
                && UInt16(text.dropFirst()) != nil
    }

    private static func readV4(_ text: Substring.UTF8View) -> UInt32? {
        var bits: UInt32 = 0
        var octets = 0
        var rest = text
        while octets < 4 {
            let end = rest.firstIndex(of: UInt8(ascii: ".")) ?? rest.endIndex
            guard let octet = readOctet(rest[..<end]) else { return nil }
            bits = bits << 8 | octet
            octets += 1
            if end == rest.endIndex { return octets == 4 ? bits : nil }
            rest = rest[rest.index(after: end)...]
        }
        return nil
    }

    private static func readOctet(_ text: Substring.UTF8View) -> UInt32? {
        guard (1...3).contains(text.count), text.count == 1 || text.first != UInt8(ascii: "0") else { return nil }
        var value: UInt32 = 0
        for byte in text {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + UInt32(byte - 0x30)
        }
        return value <= 255 ? value : nil
    }

    /// Source: RFC 4291, 2.2.
    private static func readV6(_ text: Substring.UTF8View) -> UInt128? {
        let colon = UInt8(ascii: ":")
        var bits: UInt128 = 0
        var count = 0
        var gap: Int?  // how many groups stand before `::`
        var rest = text
        if rest.first == colon {
            guard rest.dropFirst().first == colon else { return nil }
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: colon) ?? rest.endIndex
            if end == rest.endIndex, rest.contains(UInt8(ascii: ".")) {
                guard let v4 = readV4(rest) else { return nil }
                bits = bits << 32 | UInt128(v4)
                count += 2
                break
            }
            guard let group = readGroup(rest[..<end]), count < 8 else { return nil }
            bits = bits << 16 | group
            count += 1
            if end == rest.endIndex { break }
            rest = rest[rest.index(after: end)...]
            if rest.first == colon {
                guard gap == nil else { return nil }
                gap = count
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        guard let gap else { return count == 8 ? bits : nil }
        guard count < 8 else { return nil }
        let after = 16 * (count - gap)
        return (bits >> after) << (16 * (8 - gap)) | bits & ((1 << after) - 1)
    }

    private static func readGroup(_ text: Substring.UTF8View) -> UInt128? {
        guard (1...4).contains(text.count) else { return nil }
        var value: UInt128 = 0
        for byte in text {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt128(digit)
        }
        return value
    }
}
