import Foundation
import TestSupport
import Testing

/// Where promptd listens.
@Suite(.serialized, .timeLimit(.minutes(1))) struct `Listening` {
    private func answers(_ url: String) async throws -> Bool {
        try await Promptd.curl("-g", url + "/health/liveness") == "Alive"
    }

    @Test(arguments: [("PORT", ""), ("LISTEN_ADDRESS", "[::]:")])
    func `a port alone, and the IPv6 wildcard alone, serve both families`(variable: String, host: String) async throws {
        let reserved = try ReservedPort()
        let port = reserved.number
        let server = try Command(Promptd.path, ["--embedded"], environment: [variable: "\(host)\(port)"])
        defer { server.end() }
        _ = try await Promptd.url(of: server)
        withExtendedLifetime(reserved) {}
        for host in ["127.0.0.1", "[::1]"] {
            let alive = try await answers("http://\(host):\(port)")
            #expect(alive)
        }
    }

    @Test func `a list of addresses is a list`() async throws {
        let (server, _) = try await Promptd.serve(["--embedded", "--listen", "127.0.0.1:0,[::1]:0"])
        defer { server.end() }
        let addresses = Promptd.field("address", of: try await server.line(with: "serving prompts")).split(
            separator: ",")
        #expect(addresses.count == 2)
        for address in addresses {
            let alive = try await answers("http://\(address)")
            #expect(alive)
        }
    }

    @Test func `an address that is not of this machine is an error`() async throws {
        let result = try await Promptd.run(["--embedded", "--listen", "192.0.2.1:0"])
        #expect(result.status == 1)
        #expect(result.errors.contains("192.0.2.1"))
    }
}
