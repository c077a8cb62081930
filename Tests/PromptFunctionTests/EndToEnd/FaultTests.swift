import EventLoop
import HTTPClient
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// What clients get when Ollama fails.
@Suite(.timeLimit(.minutes(1))) struct `Faults` {
    @Test(arguments: [
        ("missing", 404), ("busy", 503), ("broken", 502), ("failing", 502), ("unfinished", 502), ("cut", 502),
        ("reset", 502), ("close", 502), ("garbage", 502), ("noise", 502), ("flood", 502), ("drip", 200), ("stale", 200),
    ])
    func `each fault has its status, and the next prompt is answered`(fault: String, status: Int) async throws {
        try await withBackends { loop, fixture in
            let response = try await fixture.post(#"{"model":"fault:\#(fault)"}"#)
            #expect(response.status == status)
            if status != 200 {
                #expect(response.text.hasSuffix(".\n"), "\(response.text)")
                #expect(!response.text.contains("127.0.0.1"))
            } else {
                #expect(response.text == " one two three")
            }
            if status == 503 { #expect(response["Retry-After"] == "5") }
            let next = try await fixture.post(#"{"prompt":"next"}"#)
            #expect(next.text == answer(to: "next"))
        }
    }

    @Test func `silence is answered 504 when the first byte is due`() async throws {
        try await withBackends(
            clock: .manual, settings: { $0.deadlines.firstByte = .milliseconds(50) }
        ) { loop, fixture in
            let response = try await fixture.post(
                #"{"model":"fault:silence"}"#, passing: .milliseconds(50), on: loop)
            #expect(response.status == 504)
            try await until("nothing is active upstream", on: loop) { fixture.standIn.counts.active == 0 }
        }
    }

    @Test func `an answer that takes too long in all is answered 504`() async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .seconds(600)
        try await withBackends(
            [standIn], clock: .manual, settings: { $0.deadlines.total = .milliseconds(50) }
        ) { loop, fixture in
            let response = try await fixture.post("{}", passing: .milliseconds(50), on: loop)
            #expect(response.status == 504)
            try await until("nothing is active upstream", on: loop) { fixture.standIn.counts.active == 0 }
        }
    }

    @Test func `no Ollama is answered 502`() async throws {
        // Port 1 of this machine: nobody listens there.
        try await withBackends(settings: { $0.hosts = [try OllamaHost.parse("127.0.0.1:1").0] }) { _, fixture in
            let response = try await fixture.post("{}")
            #expect(response.status == 502)
            #expect(response.text == "Ollama cannot be reached.\n")
        }
    }

    @Test func `a host without an address is answered 502`() async throws {
        try await withBackends(settings: { $0.hosts = [try OllamaHost.parse("no-such-host.invalid").0] }) {
            _, fixture in
            let response = try await fixture.post("{}")
            #expect(response.status == 502)
        }
    }

    @Test func `each address of a name is tried`() async throws {
        // localhost may be ::1 first; the stand-in listens on 127.0.0.1 alone.
        try await withBackends(settings: { $0.hosts = [try OllamaHost.parse("localhost:\($0.hosts[0].port)").0] }) {
            _, fixture in
            for _ in 0..<3 {
                let response = try await fixture.post("{}")
                #expect(response.status == 200)
            }
        }
    }

    @Test func `a connection that Ollama closed meanwhile fails no prompt`() async throws {
        try await withBackends { _, fixture in
            let port = fixture.port
            let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await offLoop {
                            let socket = try RawSocket(port: port)
                            defer { socket.close() }
                            return try (0..<50).map { _ in
                                try socket.send(postRequest(#"{"model":"fault:stale"}"#))
                                return try socket.response().status
                            }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(statuses == Array(repeating: 200, count: 400))
        }
    }
}
