import EventLoop
@testable import PromptFunction
import Testing

/// Reading addresses.
@Suite struct `IP address` {
    static let valid: [(String, UInt128)] = [
        ("0.0.0.0", 0xFFFF_0000_0000), ("1.2.3.4", 0xFFFF_0102_0304), ("255.255.255.255", 0xFFFF_FFFF_FFFF),
        ("::", 0), ("::1", 1), ("1::", 1 << 112), ("::ffff:1.2.3.4", 0xFFFF_0102_0304),
        ("::FFFF:102:304", 0xFFFF_0102_0304),
        ("0:0:0:0:0:ffff:1.2.3.4", 0xFFFF_0102_0304), ("1:2:3:4:5:6:7:8", 0x0001_0002_0003_0004_0005_0006_0007_0008),
        ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004_0005_0006_0007_0000),
        ("::2:3:4:5:6:7:8", 0x0002_0003_0004_0005_0006_0007_0008),
        ("2001:DB8::a:0b", 0x2001_0DB8_0000_0000_0000_0000_000A_000B),
        ("64:ff9b::1.2.3.4", 0x0064_FF9B << 96 | 0x0102_0304),
    ]
    static let invalid = [
        "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "01.2.3.4", "1.2.3.", ".1.2.3", "1..2.3",
        "1.2.3.4 ",
        " 1.2.3.4",
        "+1.2.3.4", "0x1.2.3.4", "1.2.3.1234", "a.b.c.d", ":", ":::", "1:", ":1", "1:2",
        "1::2::3", ":1::2", "1::2:", "12345::", "g::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1.2.3.4::", "::1.2.3",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", "[::1]", "1.2.3.4:80", "unknown", "_hidden", "é",
    ]

    @Test(arguments: valid)
    func `these are read`(text: String, bits: UInt128) { #expect(IPAddress(text[...])?.bits == bits) }

    @Test(arguments: invalid)
    func `these are none`(text: String) { #expect(IPAddress(text[...]) == nil) }

    @Test(arguments: valid)
    func `the system reads them alike`(text: String, bits: UInt128) throws {
        let address = try SocketAddress.resolve(host: text, port: 80, numericOnly: true)[0]
        #expect(IPAddress(address)?.bits == bits)
    }

    static let forwarded: [(String, String?)] = [
        ("1.2.3.4", "1.2.3.4"), ("1.2.3.4:80", "1.2.3.4"), ("::1", "::1"), ("[::1]", "::1"), ("[::1]:65535", "::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"), ("[1.2.3.4]", nil), ("1.2.3.4:", nil), ("1.2.3.4:x", nil),
        ("1.2.3.4:65536", nil),
        ("[::1", nil), ("[::1]80", nil), ("[::1]:", nil), ("::1]", nil), ("[]", nil), ("[", nil), ("1.2.3.4:+80", nil),
    ]

    @Test(arguments: forwarded)
    func `an entry of X-Forwarded-For may have a port`(text: String, address: String?) {
        #expect(IPAddress(forwarded: text[...]) == address.flatMap { IPAddress($0[...]) })
    }

    @Test func `an IPv6 client is its first 64 bits, an IPv4 client its address`() throws {
        func identity(_ text: String) throws -> ClientIdentity { ClientIdentity(try #require(IPAddress(text[...]))) }
        #expect(try identity("2001:db8::1") == identity("2001:db8::ffff:0:0:1"))
        #expect(try identity("2001:db8::1") != identity("2001:db8:0:1::1"))
        #expect(try identity("::ffff:1.2.3.4") == identity("1.2.3.4"))
        #expect(try identity("1.2.3.5") != identity("1.2.3.4"))
        #expect(try identity("::1") != identity("0.0.0.1"))
        #expect(ClientIdentity(key: Array("a".utf8)[...]) == ClientIdentity(key: Array("ba".utf8)[1...]))
        #expect(ClientIdentity(key: Array("a".utf8)[...]) != ClientIdentity(key: Array("b".utf8)[...]))
        #expect(MemoryLayout<ClientIdentity>.size == 9)
    }
}
