@testable import PromptFunction
import Testing

/// Whose word about a client's address is taken.
@Suite struct `Trusted proxies` {
    static let list = "10.0.0.0/8, 192.0.2.7,2001:db8::/32, ::1"

    static let clients: [(peer: String, forwardedFor: String?, client: String)] = [
        ("203.0.113.5", nil, "203.0.113.5"),
        ("203.0.113.5", "1.1.1.1", "203.0.113.5"),
        ("10.1.2.3", nil, "10.1.2.3"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "1.1.1.1", "1.1.1.1"),
        ("::ffff:10.1.2.3", "1.1.1.1", "1.1.1.1"),
        ("10.1.2.3", "9.9.9.9, 1.1.1.1", "1.1.1.1"),
        ("10.1.2.3", "9.9.9.9, 1.1.1.1, 192.0.2.7", "1.1.1.1"),
        ("10.1.2.3", "9.9.9.9,1.1.1.1,\t2001:db8::5 , ::ffff:10.0.0.1", "1.1.1.1"),
        ("::1", "10.0.0.9, 10.0.0.8", "10.0.0.9"),
        ("10.1.2.3", "1.1.1.1, unknown", "10.1.2.3"),
        ("10.1.2.3", "1.1.1.1, unknown, 10.0.0.4", "10.0.0.4"),
        ("10.1.2.3", "1.1.1.1,", "10.1.2.3"),
        ("10.1.2.3", "1.1.1.1, 10.0.0.4, 256.1.1.1", "10.1.2.3"),
        ("10.1.2.3", "[2001:db9::1]:443", "2001:db9::1"),
        ("10.1.2.3", "1.1.1.1:5000", "1.1.1.1"),
        ("2001:db9::1", "1.1.1.1", "2001:db9::1"),
    ]

    @Test(arguments: clients)
    func `the client is the last address that no trusted proxy has`(
        peer: String, forwardedFor: String?, client: String
    ) throws {
        let found = try TrustedProxies(Self.list).client(
            peer: #require(IPAddress(peer[...])), forwardedFor: forwardedFor)
        #expect(found == IPAddress(client[...]))
    }

    static let blocks: [(String, trusted: [String], not: [String])] = [
        ("", [], ["127.0.0.1", "::1"]),
        ("10.1.2.3/8", ["10.255.0.1"], ["11.0.0.1"]),
        ("0.0.0.0/0", ["1.2.3.4", "::ffff:1.2.3.4"], ["::1"]),
        ("::/0", ["::1", "2001:db8::1"], ["1.2.3.4"]),
        ("192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127"]),
        ("192.0.2.1/32", ["192.0.2.1"], ["192.0.2.0"]),
        ("::ffff:192.0.2.0/120", ["192.0.2.9"], ["192.0.3.9"]),
        ("2001:db8:8000::/33", ["2001:db8:8000::1"], ["2001:db8:7fff::1"]),
        ("fe80::1/128", ["fe80::1"], ["fe80::2"]),
    ]

    @Test(arguments: blocks)
    func `blocks contain what they should`(block: String, trusted: [String], not: [String]) throws {
        let proxies = try TrustedProxies(block)
        for address in trusted { #expect(proxies.trusts(try #require(IPAddress(address[...])))) }
        for address in not { #expect(!proxies.trusts(try #require(IPAddress(address[...])))) }
    }

    static let malformed = [
        "x", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "/8", "10.0.0.0/8/8", "1.2.3.4:80",
        "10.0.0.0 /8",
    ]

    @Test(arguments: malformed)
    func `malformed blocks are told`(text: String) {
        #expect(throws: ProtectionError.network(text)) { try TrustedProxies("127.0.0.1, " + text) }
    }
}
