import EventLoop
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Prompts that wait for their turn.
@Suite(.timeLimit(.minutes(1))) struct `The queue` {
    private static let one: @Sendable (inout PromptFunction.Settings) throws -> Void = { $0.maxInFlight = 1 }

    private static func prompt(_ text: some CustomStringConvertible) -> String { #"{"prompt":"\#(text)"}"# }

    /// Has the stand-in answer the prompt that it has, and waits until the next one is there.
    private static func step(_ fleet: Fleet, on loop: isolated EventLoop) async throws {
        let asked = fleet.requests[0]
        let waiting = fleet.function.waiting
        fleet.standIns[0].step()
        if waiting > 0 { try await until("the next is asked", on: loop) { fleet.requests[0] == asked + 1 } }
    }

    @Test func `prompts are answered in the order that they came in, one at a time`() async throws {
        try await withFleet(settings: Self.one) { loop, fleet in
            fleet.standIns[0].hold()
            let sockets = try await fleet.begin((0..<20).map(Self.prompt), on: loop)
            #expect(fleet.function.waiting == 19 && fleet.function.inFlight == 1)
            for (index, socket) in sockets.enumerated() {
                try await Self.step(fleet, on: loop)
                let text = try await response(on: socket).text
                #expect(text == answer(to: "\(index)"))
                #expect(fleet.function.waiting == max(18 - index, 0))
            }
            #expect(fleet.standIns[0].counts.maxActive == 1)
            #expect(fleet.function.waiting == 0 && fleet.function.inFlight == 0)
        }
    }

    @Test func `never more than the limit are with an Ollama`() async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .milliseconds(1)
        try await withFleet([standIn], settings: { $0.maxInFlight = 3 }) { loop, fleet in
            let port = fleet.port
            let texts = try await offLoop {
                let sockets = try (0..<200).map { index in
                    let socket = try RawSocket(port: port)
                    try socket.send(postRequest(Self.prompt(index)))
                    return socket
                }
                return try sockets.map { try $0.response().text }
            }
            #expect(texts == (0..<200).map { answer(to: "\($0)") })
            #expect(fleet.standIns[0].counts.maxActive == 3)
        }
    }

    @Test func `one client's prompt does not wait behind all of another's`() async throws {
        let keyed: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.maxInFlight = 1
            $0.protection.keys = try APIKeys(list: "ant,bee")
        }
        try await withFleet(settings: keyed) { loop, fleet in
            fleet.standIns[0].hold()
            let ants = try await fleet.begin((0..<51).map(Self.prompt), ["X-API-Key: ant"], on: loop)
            let bee = try await fleet.begin([Self.prompt("bee")], ["Authorization: Bearer bee"], on: loop)
            #expect(fleet.function.waiting == 51)
            try await Self.step(fleet, on: loop)  // the ant's that was there before anybody waited
            _ = try await response(on: ants[0])
            try await Self.step(fleet, on: loop)  // one more of the ant's: it was in the queue first
            _ = try await response(on: ants[1])
            try await Self.step(fleet, on: loop)
            let text = try await response(on: bee[0]).text
            #expect(text == answer(to: "bee"))
            #expect(fleet.function.waiting == 48)
            for socket in ants { socket.close() }
        }
    }

    @Test(arguments: ["fin", "reset", "half-close"])
    func `a client that leaves the queue frees its place, and Ollama never hears of it`(way: String) async throws {
        try await withFleet(settings: Self.one) { loop, fleet in
            fleet.standIns[0].hold()
            let sockets = try await fleet.begin((0..<10).map(Self.prompt), on: loop)
            for (left, index) in [9, 5, 1].enumerated() {
                switch way {
                case "fin": sockets[index].close()
                case "reset": sockets[index].reset()
                default: sockets[index].shutdownWrite()
                }
                try await until("its place is free", on: loop) { fleet.function.waiting == 8 - left }
            }
            for index in [0, 2, 3, 4, 6, 7, 8] {
                try await Self.step(fleet, on: loop)
                let text = try await response(on: sockets[index]).text
                #expect(text == answer(to: "\(index)"))
            }
            #expect(fleet.requests == [7])
        }
    }

    @Test func `a full queue is answered 503 with the time to wait`() async throws {
        let full = "Too many prompts are waiting: try again in 5 s.\n"
        try await withFleet(settings: { ($0.maxInFlight, $0.maxQueue) = (1, 2) }) { loop, fleet in
            fleet.standIns[0].hold()
            let sockets = try await fleet.begin((0..<3).map(Self.prompt), on: loop)
            let refused = try await fleet.post("{}")
            #expect(refused.status == 503 && refused.text == full && refused["Retry-After"] == "5")
            sockets[2].close()
            try await until("there is room", on: loop) { fleet.function.waiting == 1 }
            let next = try await fleet.begin([Self.prompt(3)], on: loop)
            #expect(fleet.function.waiting == 2)
            for socket in sockets + next { socket.close() }
        }
        try await withFleet(settings: { ($0.maxInFlight, $0.maxQueueBytes) = (1, 3000) }) { loop, fleet in
            fleet.standIns[0].hold()
            let long = Self.prompt(String(repeating: "x", count: 1000))
            let sockets = try await fleet.begin([long, long, long], on: loop)
            let refused = try await fleet.post(long, ["Accept: application/json"])
            #expect(refused.status == 503 && refused["Retry-After"] == "5")
            #expect(refused.text.hasPrefix("{\"error\":\"Too many"))
            let small = try await fleet.begin([Self.prompt("small")], on: loop)  // for which there is room
            for socket in sockets + small { socket.close() }
        }
    }

    @Test func `a prompt waits as long as the server and its client allow`() async throws {
        let late = "The prompt's turn did not come in time: try again in 5 s.\n"
        try await withFleet(settings: { ($0.maxInFlight, $0.queueTimeout) = (1, .milliseconds(100)) }) { loop, fleet in
            fleet.standIns[0].hold()
            let first = try await fleet.begin([Self.prompt(0)], on: loop)
            let expired = try await fleet.post("{}")
            #expect(expired.status == 503 && expired.text == late && expired["Retry-After"] == "5")
            // The client may wait for less, not for more.
            let higher = try await fleet.post(#"{"timeout":{"queue":"1h"}}"#)
            #expect(higher.status == 503)
            #expect(fleet.function.waiting == 0 && fleet.requests == [1])
            first[0].close()
        }
        try await withFleet(settings: Self.one) { loop, fleet in
            fleet.standIns[0].hold()
            let sockets = try await fleet.begin((0..<2).map(Self.prompt), on: loop)
            let expired = try await fleet.post(#"{"timeout":{"queue":"50ms"}}"#)
            #expect(expired.status == 503 && expired.text == late)
            #expect(fleet.function.waiting == 1)
            for socket in sockets { socket.close() }
        }
    }

    @Test func `prompts that wait are answered though the server is finishing`() async throws {
        try await withFleet(settings: Self.one) { loop, fleet in
            fleet.standIns[0].hold()
            let sockets = try await fleet.begin((0..<10).map(Self.prompt), on: loop)
            let drain = fleet.beginDraining(on: loop)
            fleet.standIns[0].release()
            for (index, socket) in sockets.enumerated() {
                let response = try await response(on: socket)
                #expect(response.text == answer(to: "\(index)") && response["Connection"] == "close")
            }
            let unfinished = await drain.value
            #expect(unfinished == 0)
        }
    }
}

extension `The queue` {
    @Test func `a stream of events tells its place, then goes on as ever`() async throws {
        try await withFleet(settings: { ($0.maxInFlight, $0.heartbeat) = (1, .milliseconds(30)) }) { loop, fleet in
            fleet.standIns[0].hold()
            let others = try await fleet.begin((0..<4).map(Self.prompt), on: loop)
            let events = try await fleet.begin(
                [#"{"prompt":"eggs","stream":true}"#], ["Accept: text/event-stream"], on: loop)[0]
            _ = try await offLoop { try events.receive(until: ": waiting for a turn, 3 before this one\n\n") }
            others[1].close()
            others[3].close()
            _ = try await offLoop { try events.receive(until: ": waiting for a turn, 1 before this one\n\n") }
            fleet.standIns[0].step()
            _ = try await offLoop { try events.receive(until: ": waiting for a turn, 0 before this one\n\n") }
            fleet.standIns[0].step()
            _ = try await offLoop { try events.receive(until: ": waiting for the model\n\n") }
            fleet.standIns[0].release()
            let rest = try await offLoop { try events.receive(until: "\r\n0\r\n\r\n") }
            #expect(rest.contains(#"data: {"content":"eggs"}"#) && rest.contains("event: done\ndata: {"))
            #expect(!rest.contains("turn"))
        }
    }

    @Test func `events whose turn does not come end with an error`() async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.maxInFlight, $0.heartbeat, $0.queueTimeout) = (1, .milliseconds(20), .milliseconds(100))
        }
        try await withFleet(settings: change) { loop, fleet in
            fleet.standIns[0].hold()
            let first = try await fleet.begin([Self.prompt(0)], on: loop)
            let events = try await fleet.post(#"{"stream":true}"#, ["Accept: text/event-stream"])
            #expect(events.status == 200 && events.isWhole)
            #expect(events.text.hasPrefix(": waiting for a turn, 0 before this one\n\n"))
            #expect(events.text.contains("event: error\ndata: {\"error\":\"The prompt's turn did not come in time"))
            #expect(events.text.contains("\"status\":503}"))
            first[0].close()
        }
    }

    @Test(arguments: [
        (#"{"stream":true}"#, "text/plain"), (#"{"stream":true}"#, "application/x-ndjson"), ("{}", "text/event-stream"),
        ("{}", "text/plain"),
    ])
    func `all others wait silently`(body: String, form: String) async throws {
        try await withFleet(settings: { ($0.maxInFlight, $0.heartbeat) = (1, .milliseconds(5)) }) { loop, fleet in
            fleet.standIns[0].hold()
            let first = try await fleet.begin([Self.prompt(0)], on: loop)
            let silent = try await fleet.begin([body], ["Accept: " + form], on: loop)[0]
            // Events that wait behind it and have had three comments show that there was time for one.
            let events = try await fleet.begin([#"{"stream":true}"#], ["Accept: text/event-stream"], on: loop)[0]
            for _ in 0..<3 { _ = try await offLoop { try events.receive(until: "1 before this one\n\n") } }
            #expect(!silent.isReadable(within: 0))
            fleet.standIns[0].release()
            let response = try await response(on: silent)
            #expect(response.status == 200 && response.isWhole && response.text.contains("stand-in"))
            for socket in first + [events] { socket.close() }
        }
    }
}
