import EventLoop
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Prompts whose clients leave before the answer.
@Suite(.timeLimit(.minutes(1))) struct `Clients that leave` {
    @Test(arguments: [false, true])
    func `clients that leave while they wait end their requests upstream`(byReset: Bool) async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .seconds(600)
        try await withBackends([standIn]) { loop, fixture in
            let sockets = try await fixture.open(200, posting: "{}")
            try await until("all are active upstream", on: loop) { fixture.standIn.counts.active == 200 }
            for socket in sockets { if byReset { socket.reset() } else { socket.close() } }
            try await until("none is active upstream", on: loop) { fixture.standIn.counts.active == 0 }
            #expect(fixture.standIn.counts.aborted == 200)
            #expect(fixture.server.requestsInFlight == 0)
            let health = try await fixture.get("/")
            #expect(health.text == "OK")
        }
    }

    @Test func `a client that leaves while it waits upstream ends its request`() async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .seconds(600)
        standIn.parallel = 1
        try await withBackends([standIn]) { loop, fixture in
            let sockets = try await fixture.open(5, posting: "{}")
            try await until("all are active upstream", on: loop) { fixture.standIn.counts.active == 5 }
            for socket in sockets.reversed() { socket.close() }
            try await until("none is active upstream", on: loop) { fixture.standIn.counts.active == 0 }
        }
    }

    @Test func `a client that leaves while its body is decoded asks nothing of Ollama`() async throws {
        try await withBackends(settings: { ($0.maxInFlight, $0.maxQueue) = (1, 0) }) { loop, fixture in
            let port = fixture.port
            try await offLoop {
                let socket = try RawSocket(port: port)
                let body = "{\"prompt\":\"" + String(repeating: "x", count: 4_000_000) + "\"}"
                try socket.send(postRequest(body))
                socket.reset()
            }
            try await until("the connection is gone", on: loop) { fixture.server.connections == 0 }
            try await until("nothing is in flight", on: loop) { fixture.server.requestsInFlight == 0 }
            try await until("nothing is active upstream", on: loop) { fixture.standIn.counts.active == 0 }
            // Decoding cannot be stopped. When it has ended, the prompt takes no room.
            try await until("nothing is decoded", on: loop) { fixture.function.decoding == 0 }
            let requests = fixture.standIn.counts.requests
            #expect(requests == 0)
            let next = try await fixture.post("{}")
            #expect(next.status == 200)
        }
    }
}
