import Foundation
import TestSupport
import Testing

@testable import promptd

/// `promptd top`.
@Suite(.timeLimit(.minutes(1))) struct `The picture of a running promptd` {
    private static func state(prompts: Int = 2, more: String = "") throws -> AdminState {
        let prompt = #"""
            {"id":"4bf92f3577b34da6","phase":"streaming","age":61.25,"first_token":0.31,"model":"a:1b\u001b[31m","client":"127.0.0.1",
            "tenant":null,"backend":"http://127.0.0.1:11434","output_tokens":12}
            """#
        let json = #"""
            {"version":"1.2.0","now":\#(1000 + prompts),"uptime":93.2,"ready":null,
            "connections":{"open":12,"limit":10000},"buffered_bytes":{"used":12345,"limit":268435456},"loop_lag":0.0002,
            "queue":{"waiting":3,"limit":16384,"classes":[{"name":"interactive","waiting":3}]},
            "totals":{"prompts":\#(120 + prompts),"answered":100,"failed":20,"cancelled":3,"retries":1,"fallbacks":0,
            "output_tokens":\#(1000 * prompts)},
            \#(more)"backends":[{"url":"http://127.0.0.1:11434","api":"ollama","breaker":"half-open","in_flight":2,"limit":0,
            "models":["a:1b","b:7b"],"running":["a:1b"],"check":null}],
            "prompts":[\#(Array(repeating: prompt, count: prompts).joined(separator: ","))],"prompts_left_out":7,
            "failures":[{"age":12.0,"id":"x","status":503,"model":null,"error":"the queue is full"}]}
            """#
        return try AdminState(Array(json.utf8))
    }

    @Test func `shows what happens`() throws {
        let lines = TopScreen(width: 200, height: 50).lines(
            try Self.state(prompts: 4), since: try Self.state(prompts: 2))
        #expect(
            lines == [
                "promptd 1.2.0  ready  up 1 min 33 s",
                "1000 tokens/s, 1.0 prompts/s, in flight 11, queued 3 of 16384 (interactive 3)",
                "since the start: 124 prompts, 100 answered, 20 failed, 3 cancelled, 1 retries, 0 fallbacks",
                "connections 12 of 10000, buffered 12 KiB of 256 MiB, loop lag 0 ms", "",
                "BACKEND                 BREAKER    IN FLIGHT  MODELS (* LOADED)",
                "http://127.0.0.1:11434  half-open  2          *a:1b b:7b", "",
                "PROMPT            PHASE      AGE        FIRST TOKEN  TOKENS  MODEL      CLIENT     BACKEND",
            ]
                + Array(
                    repeating:
                        "4bf92f3577b34da6  streaming  1 min 1 s  310 ms       12      a:1b?[31m  127.0.0.1  http://127.0.0.1:11434",
                    count: 4)
                + ["and 7 more", "", "FAILED      STATUS  MODEL  WHY", "12.0 s ago  503     -      the queue is full"])
    }

    @Test func `shows tenants`() throws {
        let tenant = #"""
            {"name":"acme","class":"batch","in_flight":2,"in_flight_limit":4,"waiting":7,"tokens":120,"tokens_limit":9000,
            "requests":3,"requests_limit":0,"answered":1,"failed":0,"refused":5}
            """#
        let state = try Self.state(more: #""tenants":[\#(tenant)],"tenants_left_out":0,"#)
        let lines = TopScreen(width: 200, height: 50).lines(state, since: nil)
        #expect(lines.contains("TENANT  CLASS  IN FLIGHT  QUEUED  REQUESTS/MIN  TOKENS/MIN   REFUSED"))
        #expect(lines.contains("acme    batch  2 of 4     7       3             120 of 9000  5"))
    }

    @Test(arguments: [(20, 10), (80, 24), (1, 1), (300, 12)])
    func `fits the terminal`(width: Int, height: Int) throws {
        let lines = TopScreen(width: width, height: height).lines(try Self.state(prompts: 100), since: nil)
        #expect(lines.count <= height && lines.allSatisfy { $0.count <= width })
        if height > 20 { #expect(lines.contains { $0.hasPrefix("and 98 more") || $0.hasPrefix("and 9") }) }
    }

    @Test func `is printed once elsewhere, and renewed on a terminal`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded", "--admin", "127.0.0.1:0"])
        defer { server.end() }
        let admin = "http://" + Promptd.field("address", of: try await server.line(with: "serving operators"))
        let once = try await Promptd.run(["top", "--url", admin])
        #expect(
            once.status == 0 && once.output.hasPrefix("promptd 0.1.0  ready  up ") && !once.output.contains("\u{1B}"))
        let keys = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        let isMade = unsafe mkfifo(keys, 0o600) == 0
        #expect(isMade)
        defer { try? FileManager.default.removeItem(atPath: keys) }
        let terminal = try Command(
            "/bin/sh", ["-c", "exec script -qefc '\(Promptd.path) top --interval 10ms' /dev/null <'\(keys)'"],
            environment: ["PROMPTD_ADMIN_URL": admin, "PATH": "/usr/bin:/bin"])
        defer { terminal.end() }
        let keyboard = try #require(FileHandle(forWritingAtPath: keys))
        try await terminal.untilOutput("\u{1B}[?1049h")
        try await terminal.untilOutput(" 0 answered")
        _ = try await Promptd.curl(url, "-d", "{}")
        try await terminal.untilOutput(" 1 answered")
        try keyboard.write(contentsOf: Data("~q".utf8))  // other keys do nothing, and are not shown
        let (status, output, _) = try await terminal.finish()
        #expect(status == 0 && output.hasSuffix("\u{1B}[?25h\u{1B}[?1049l") && !output.contains("~"))
        for (other, words) in [
            (url, "this is not the --admin address"), ("http://127.0.0.1:1", "is the server running there?"),
        ] {
            let wrong = try await Promptd.run(["top", "--url", other])
            #expect(wrong.status == 1 && wrong.errors.contains(words))
        }
    }
}
