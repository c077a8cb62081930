import Foundation
import TestSupport
import Testing

/// `--tenants` and `promptd key`.
@Suite(.timeLimit(.minutes(2))) struct `The file of tenants` {
    private static func with(
        _ tenants: String, _ body: (_ file: String, _ write: (String) throws -> Void) async throws -> Void
    ) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        func write(_ tenants: String) throws { try Data(#"{"tenants":{\#(tenants)}}"#.utf8).write(to: file) }
        try write(tenants)
        try await body(file.path, write)
    }

    @Test func `has hashes of keys that promptd makes`() async throws {
        let made = try await Promptd.run(["key"])
        let lines = made.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(made.status == 0 && lines.map(\.first) == ["key", "hash"] && lines.allSatisfy { $0.count == 2 })
        let (key, hash) = (String(lines[0][1]), String(lines[1][1]))
        let other = try await Promptd.run(["key"])
        #expect(!other.output.contains(key))
        let known = try await Command.run("/bin/sh", ["-c", "printf %s \"$1\" | \"$0\" key --of", Promptd.path, key])
        #expect(known.output == hash + "\n")
        let sum = try await Command.run("/bin/sh", ["-c", "printf %s \"$0\" | sha256sum", key])
        #expect(hash == "sha256:" + sum.output.prefix(64))
        let none = try await Command.run("/bin/sh", ["-c", "\"$0\" key --of </dev/null", Promptd.path])
        #expect(none.status == 64 && none.errors.contains("Write the key to standard input"))

        try await Self.with(#""acme":{"keys":["\#(hash)"],"requests-per-minute":1}"#) { file, _ in
            let (server, url) = try await Promptd.serve(["--embedded", "--tenants", file, "--access-log"])
            defer { server.end() }
            let refused = try await Promptd.curl(url, "-d", "{}")
            #expect(refused.contains("Send a valid API key"))
            let answered = try await Promptd.curl(url, "-i", "-H", "Authorization: Bearer \(key)", "-d", "{}")
            #expect(answered.contains("RateLimit: \"requests\";r=0;t=6") && answered.contains("You asked"))
            let line = try await server.line(with: "prompt answered")
            #expect(Promptd.field("tenant", of: line) == "acme")
            let late = try await Promptd.curl(url, "-i", "-H", "X-API-Key: \(key)", "-d", "{}")
            #expect(late.contains("429 Too Many Requests") && late.contains("Retry-After: "))
            #expect(!server.log.contains(key))
        }
    }

    @Test func `is checked before it is used`() async throws {
        try await Self.with(#""acme":{"keys":["nonsense"]}"#) { file, _ in
            let served = try await Promptd.run(["serve", "--tenants", file])
            #expect(
                served.status == 64 && served.errors.contains("The file of tenants '\(file)': Give 'keys' of 'acme'"))
            let missing = try await Promptd.run(["serve", "--tenants", "/nothing/there"])
            #expect(missing.status == 64 && missing.errors.contains("give another with --tenants"))
        }
    }

    @Test func `is read again in the midst of streams, and none is lost`() async throws {
        let hash = try await Command.run("/bin/sh", ["-c", "echo k | \"$0\" key --of", Promptd.path]).output.dropLast()
        try await Self.with(#""acme":{"keys":["\#(hash)"],"max-in-flight":40}"#) { file, write in
            let (standIn, address) = try await Promptd.standIn(["--token-interval", "20ms"])
            let (server, url) = try await Promptd.serve(["--tenants", file], environment: ["OLLAMA_HOST": address])
            defer { [standIn, server].forEach { $0.end() } }
            let load = Task {
                try await Promptd.run([
                    "load", url, "--at-once", "200", "--stream", "-H", "X-API-Key: k", "--prompt", "I am {n}.",
                    "--expect", "I am {n}.",
                ])
            }
            try await Promptd.untilAsked(standIn)
            for round in 1...5 {
                let limit = round == 5 ? 0 : 10 * round
                try write(#""acme":{"keys":["\#(hash)"],"class":"batch","max-in-flight":\#(limit)}"#)
                server.signal(SIGHUP)
                _ = try await server.line(with: "reloaded the settings", count: round)
            }
            let result = try await load.value
            #expect(result.status == 0, "\(result)")
        }
    }
}
