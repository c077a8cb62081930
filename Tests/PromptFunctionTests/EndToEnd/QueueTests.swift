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
    private static func step(_ fixture: MultiBackendFixture, on loop: isolated EventLoop) async throws {
        let asked = fixture.requests[0]
        let waiting = fixture.function.waiting
        fixture.standIn.step()
        if waiting > 0 { try await until("the next is asked", on: loop) { fixture.requests[0] == asked + 1 } }
    }

    @Test func `prompts are answered in the order that they came in, one at a time`() async throws {
        try await withBackends(settings: Self.one) { loop, fixture in
            fixture.standIn.hold()
            let sockets = try await fixture.begin((0..<20).map(Self.prompt), on: loop)
            #expect(fixture.function.waiting == 19 && fixture.function.inFlight == 1)
            for (index, socket) in sockets.enumerated() {
                try await Self.step(fixture, on: loop)
                let text = try await response(on: socket).text
                #expect(text == answer(to: "\(index)"))
                #expect(fixture.function.waiting == max(18 - index, 0))
            }
            #expect(fixture.standIn.counts.maxActive == 1)
            #expect(fixture.function.waiting == 0 && fixture.function.inFlight == 0)
        }
    }

    @Test func `never more than the limit are with an Ollama`() async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .milliseconds(1)
        try await withBackends([standIn], settings: { $0.maxInFlight = 3 }) { loop, fixture in
            let port = fixture.port
            let texts = try await offLoop {
                let sockets = try (0..<200).map { index in
                    let socket = try RawSocket(port: port)
                    try socket.send(postRequest(Self.prompt(index)))
                    return socket
                }
                return try sockets.map { try $0.response().text }
            }
            #expect(texts == (0..<200).map { answer(to: "\($0)") })
            #expect(fixture.standIn.counts.maxActive == 3)
        }
    }

    @Test func `one client's prompt does not wait behind all of another's`() async throws {
        let keyed: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.maxInFlight = 1
            $0.protection.keys = try APIKeys(list: "ant,bee")
        }
        try await withBackends(settings: keyed) { loop, fixture in
            fixture.standIn.hold()
            let ants = try await fixture.begin((0..<51).map(Self.prompt), ["X-API-Key: ant"], on: loop)
            let bee = try await fixture.begin([Self.prompt("bee")], ["Authorization: Bearer bee"], on: loop)
            #expect(fixture.function.waiting == 51)
            try await Self.step(fixture, on: loop)  // the ant's that was there before anybody waited
            _ = try await response(on: ants[0])
            try await Self.step(fixture, on: loop)  // one more of the ant's: it was in the queue first
            _ = try await response(on: ants[1])
            try await Self.step(fixture, on: loop)
            let text = try await response(on: bee[0]).text
            #expect(text == answer(to: "bee"))
            #expect(fixture.function.waiting == 48)
            for socket in ants { socket.close() }
        }
    }

    @Test(arguments: ["fin", "reset", "half-close"])
    func `a client that leaves the queue makes room, and Ollama never hears of it`(way: String) async throws {
        try await withBackends(settings: Self.one) { loop, fixture in
            fixture.standIn.hold()
            let sockets = try await fixture.begin((0..<10).map(Self.prompt), on: loop)
            for (left, index) in [9, 5, 1].enumerated() {
                switch way {
                case "fin": sockets[index].close()
                case "reset": sockets[index].reset()
                default: sockets[index].shutdownWrite()
                }
                try await until("there is room", on: loop) { fixture.function.waiting == 8 - left }
            }
            for index in [0, 2, 3, 4, 6, 7, 8] {
                try await Self.step(fixture, on: loop)
                let text = try await response(on: sockets[index]).text
                #expect(text == answer(to: "\(index)"))
            }
            #expect(fixture.requests == [7])
        }
    }

    @Test func `a full queue is answered 503 with the time to wait`() async throws {
        let full = "Too many prompts are waiting: try again in 5 s.\n"
        try await withBackends(settings: { ($0.maxInFlight, $0.maxQueue) = (1, 2) }) { loop, fixture in
            fixture.standIn.hold()
            let sockets = try await fixture.begin((0..<3).map(Self.prompt), on: loop)
            let refused = try await fixture.post("{}")
            #expect(refused.status == 503 && refused.text == full && refused["Retry-After"] == "5")
            sockets[2].close()
            try await until("there is room", on: loop) { fixture.function.waiting == 1 }
            let next = try await fixture.begin([Self.prompt(3)], on: loop)
            #expect(fixture.function.waiting == 2)
            for socket in sockets + next { socket.close() }
        }
        try await withBackends(settings: { ($0.maxInFlight, $0.maxQueueBytes) = (1, 3000) }) { loop, fixture in
            fixture.standIn.hold()
            let long = Self.prompt(String(repeating: "x", count: 1000))
            let sockets = try await fixture.begin([long, long, long], on: loop)
            let refused = try await fixture.post(long, ["Accept: application/json"])
            #expect(refused.status == 503 && refused["Retry-After"] == "5")
            #expect(refused.text.hasPrefix("{\"error\":\"Too many"))
            let tooLong = try await fixture.post(Self.prompt(String(repeating: "x", count: 4000)))
            #expect(tooLong.status == 413 && tooLong.text.contains("3000 bytes"))
            let small = try await fixture.begin([Self.prompt("small")], on: loop)  // for which there is room
            for socket in sockets + small { socket.close() }
        }
    }

    @Test func `a prompt waits as long as the server and its client allow`() async throws {
        let late = "The prompt waited too long in the queue: try again in 5 s.\n"
        let limit = Duration.seconds(60)
        try await withBackends(
            clock: .manual, settings: { ($0.maxInFlight, $0.queueTimeout) = (1, limit) }
        ) { loop, fixture in
            fixture.standIn.hold()
            let first = try await fixture.begin([Self.prompt(0)], on: loop)
            let expired = try await fixture.post("{}", passing: limit, on: loop)
            #expect(expired.status == 503 && expired.text == late && expired["Retry-After"] == "5")
            // The client may wait for less, not for more.
            let higher = try await fixture.post(#"{"timeout":{"queue":"1h"}}"#, passing: limit, on: loop)
            #expect(higher.status == 503)
            #expect(fixture.function.waiting == 0 && fixture.requests == [1])
            first[0].close()
        }
        try await withBackends(clock: .manual, settings: Self.one) { loop, fixture in
            fixture.standIn.hold()
            let sockets = try await fixture.begin((0..<2).map(Self.prompt), on: loop)
            let expired = try await fixture.post(
                #"{"timeout":{"queue":"50ms"}}"#, passing: .milliseconds(50), on: loop)
            #expect(expired.status == 503 && expired.text == late)
            #expect(fixture.function.waiting == 1)
            for socket in sockets { socket.close() }
        }
    }

    @Test func `prompts that wait are answered though the server is finishing`() async throws {
        try await withBackends(settings: Self.one) { loop, fixture in
            fixture.standIn.hold()
            let sockets = try await fixture.begin((0..<10).map(Self.prompt), on: loop)
            let drain = fixture.beginDraining(on: loop)
            fixture.standIn.release()
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
    @Test func `a stream of events tells its position, then goes on as ever`() async throws {
        let heartbeat = Duration.seconds(15)
        try await withBackends(
            clock: .manual, settings: { ($0.maxInFlight, $0.heartbeat) = (1, heartbeat) }
        ) { loop, fixture in
            fixture.standIn.hold()
            let others = try await fixture.begin((0..<4).map(Self.prompt), on: loop)
            let events = try await fixture.begin(
                [#"{"prompt":"eggs","stream":true}"#], ["Accept: text/event-stream"], on: loop)[0]
            func beat(_ text: String) async throws {
                try await passDeadline(heartbeat, on: loop)
                _ = try await offLoop { try events.receive(until: ": \(text)\n\n") }
            }
            try await beat("queued, prompts ahead: 3")
            others[1].close()
            others[3].close()
            try await until("two have left", on: loop) { fixture.function.waiting == 2 }
            try await beat("queued, prompts ahead: 1")
            try await Self.step(fixture, on: loop)
            try await beat("queued, prompts ahead: 0")
            try await Self.step(fixture, on: loop)
            try await beat("waiting for the model")
            fixture.standIn.release()
            let rest = try await offLoop { try events.receive(until: "\r\n0\r\n\r\n") }
            #expect(rest.contains(#"data: {"content":"eggs"}"#) && rest.contains("event: done\ndata: {"))
            #expect(!rest.contains("queued"))
        }
    }

    @Test func `events whose turn does not come end with an error`() async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.maxInFlight, $0.heartbeat, $0.queueTimeout) = (1, .seconds(15), .seconds(100))
        }
        try await withBackends(clock: .manual, settings: change) { loop, fixture in
            fixture.standIn.hold()
            let first = try await fixture.begin([Self.prompt(0)], on: loop)
            let events = try await fixture.post(
                #"{"stream":true}"#, ["Accept: text/event-stream"], passing: .seconds(100), on: loop)
            #expect(events.status == 200 && events.isWhole)
            #expect(events.text.hasPrefix(": queued, prompts ahead: 0\n\n"))
            #expect(events.text.contains("event: error\ndata: {\"error\":\"The prompt waited too long in the queue"))
            #expect(events.text.contains("\"status\":503}"))
            first[0].close()
        }
    }

    @Test(arguments: [
        (#"{"stream":true}"#, "text/plain"), (#"{"stream":true}"#, "application/x-ndjson"), ("{}", "text/event-stream"),
        ("{}", "text/plain"),
    ])
    func `all others wait silently`(body: String, form: String) async throws {
        let heartbeat = Duration.seconds(15)
        try await withBackends(
            clock: .manual, settings: { ($0.maxInFlight, $0.heartbeat) = (1, heartbeat) }
        ) { loop, fixture in
            fixture.standIn.hold()
            let first = try await fixture.begin([Self.prompt(0)], on: loop)
            let silent = try await fixture.begin([body], ["Accept: " + form], on: loop)[0]
            // Events that wait behind it and have had three comments show that there was time for one.
            let events = try await fixture.begin([#"{"stream":true}"#], ["Accept: text/event-stream"], on: loop)[0]
            for _ in 0..<3 {
                try await passDeadline(heartbeat, on: loop)
                _ = try await offLoop { try events.receive(until: "prompts ahead: 1\n\n") }
            }
            #expect(!silent.isReadable(within: 0))
            fixture.standIn.release()
            let response = try await response(on: silent)
            #expect(response.status == 200 && response.isWhole && response.text.contains("stand-in"))
            for socket in first + [events] { socket.close() }
        }
    }
}
