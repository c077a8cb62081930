import EventLoop
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Clients that leave.
@Suite(.timeLimit(.minutes(1))) struct `Cancellation` {
    @Test(arguments: [false, true])
    func `clients that leave while they wait end their requests upstream`(byReset: Bool) async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .seconds(600)
        try await withPair(standIn) { loop, pair in
            let port = pair.port
            let sockets = try await offLoop {
                try (0..<200).map { _ in
                    let socket = try RawSocket(port: port)
                    try socket.send(postRequest("{}"))
                    return socket
                }
            }
            try await until("all are active upstream", on: loop) { pair.standIn.counts.active == 200 }
            for socket in sockets { if byReset { socket.reset() } else { socket.close() } }
            try await until("none is active upstream", on: loop) { pair.standIn.counts.active == 0 }
            #expect(pair.standIn.counts.aborted == 200)
            #expect(pair.server.requestsInFlight == 0)
            let next1 = try await pair.get("/")
            #expect(next1.text == "OK")
        }
    }

    @Test func `a client that leaves while its place upstream is queued ends its request`() async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .seconds(600)
        standIn.parallel = 1
        try await withPair(standIn) { loop, pair in
            let port = pair.port
            let sockets = try await offLoop {
                try (0..<5).map { _ in
                    let socket = try RawSocket(port: port)
                    try socket.send(postRequest("{}"))
                    return socket
                }
            }
            try await until("all are active upstream", on: loop) { pair.standIn.counts.active == 5 }
            for socket in sockets.reversed() { socket.close() }
            try await until("none is active upstream", on: loop) { pair.standIn.counts.active == 0 }
        }
    }

    @Test func `a client that leaves while its body is decoded asks nothing of Ollama`() async throws {
        try await withPair(settings: { ($0.maxInFlight, $0.maxQueue) = (1, 0) }) { loop, pair in
            let port = pair.port
            try await offLoop {
                let socket = try RawSocket(port: port)
                let body = "{\"prompt\":\"" + String(repeating: "x", count: 4_000_000) + "\"}"
                try socket.send(postRequest(body))
                socket.reset()
            }
            try await until("the connection is gone", on: loop) { pair.server.connections == 0 }
            try await until("nothing is in flight", on: loop) { pair.server.requestsInFlight == 0 }
            try await until("nothing is active upstream", on: loop) { pair.standIn.counts.active == 0 }
            // Decoding cannot be stopped: its place is free again when it ends.
            var next = try await pair.post("{}")
            while next.status == 503 { next = try await pair.post("{}") }
            #expect(next.status == 200)
        }
    }
}
