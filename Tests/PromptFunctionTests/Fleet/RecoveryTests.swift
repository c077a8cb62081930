import EventLoop
import HTTPClient
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Ollamas that are busy, away, or come back.
@Suite(.timeLimit(.minutes(1))) struct `Recovery` {
    private static let away = "Ollama cannot be reached.\n"
    private static let lookedAfter = "Ollama has failed and is being looked after: try again in"

    @Test func `a busy Ollama is asked three times more, then the client is told`() async throws {
        try await withFleet { loop, fleet in
            let began = ContinuousClock.now
            let response = try await fleet.post(#"{"model":"fault:busy"}"#)
            let time = ContinuousClock.now - began
            #expect(response.status == 503 && response.text == "Ollama is busy: try again later.\n")
            #expect(response["Retry-After"] == "5")
            #expect(fleet.requests == [4])
            #expect(fleet.log.lines(with: "trying again").count == 3)
            // 200...400, 400...800 and 800...1600 ms.
            #expect(time > .milliseconds(1400) && time < .seconds(8), "\(time)")
        }
    }

    @Test func `a client that leaves while a busy Ollama is given time is forgotten`() async throws {
        try await withFleet { loop, fleet in
            let port = fleet.port
            let socket = try await offLoop {
                let socket = try RawSocket(port: port)
                try socket.send(postRequest(#"{"model":"fault:busy"}"#))
                return socket
            }
            try await until("it is to be tried again", on: loop) { fleet.retries == 1 }
            socket.close()
            try await until("it is gone", on: loop) { fleet.server.requestsInFlight == 0 }
            #expect(fleet.requests == [1] && fleet.retries == 1)
        }
    }

    @Test func `a prompt that has waited for long is tried again all the same`() async throws {
        // What it waited in the queue is not time that Ollama took.
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.maxInFlight = 1
            $0.deadlines.total = .milliseconds(2000)
        }
        try await withFleet(settings: change) { loop, fleet in
            fleet.standIns[0].hold()
            let long = #"{"stream":true,"timeout":{"total":"1900ms"}}"#
            let first = try await fleet.begin([long], on: loop)
            // It expires at 1.9 s; the next one has its own two seconds from then.
            let busy = try await fleet.begin([#"{"model":"fault:busy"}"#], on: loop)
            _ = try await response(on: first[0])
            try await until("it was tried again", on: loop) { fleet.retries >= 1 }
            try await until("Ollama was asked again", on: loop) { fleet.requests[0] >= 3 }
            busy[0].close()
        }
    }

    @Test(arguments: [1, 3])
    func `where all are away the client is told, and none is asked until one is back`(count: Int) async throws {
        let settings = Array(repeating: StandInSettings(), count: count)
        try await withFleet(settings, settings: { $0.checkInterval = .zero }) { loop, fleet in
            for index in 0..<count { await fleet.stop(index) }
            let first = try await fleet.post("{}")
            #expect(first.status == 502 && first.text == Self.away)
            #expect(fleet.retries == count - 1)
            let second = try await fleet.post("{}", ["Accept: application/json"])
            #expect(second.status == 503 && second.text.hasPrefix("{\"error\":\"\(Self.lookedAfter)"))
            let seconds = Int(second["Retry-After"] ?? "") ?? 0
            #expect((1...3).contains(seconds))
            // One comes back: the probe, 1 to 1.5 s after it failed, finds it.
            try fleet.restart(count - 1)
            var answered = try await fleet.post("{}")
            while answered.status == 503 { answered = try await fleet.post("{}") }
            #expect(answered.text == answer(to: "Who are you?"))
            #expect(fleet.requests.last == 1)  // the probe was no prompt
        }
    }

    @Test func `prompts that wait go on when their Ollama comes back`() async throws {
        try await withFleet(settings: { $0.maxInFlight = 1 }) { loop, fleet in
            fleet.standIns[0].hold()
            let sockets = try await fleet.begin((0..<3).map { Several.prompt($0) }, on: loop)
            await fleet.stop(0)
            // The one that it had is told, and so is the next, which finds nobody. The last one waits.
            let first = try await response(on: sockets[0])
            #expect(first.status == 502)
            let second = try await response(on: sockets[1])
            #expect(second.status == 502)
            #expect(fleet.function.waiting == 1)
            try fleet.restart(0)
            let last = try await response(on: sockets[2])
            #expect(last.text == answer(to: "2"))
        }
    }

    @Test func `five failures in a row keep prompts away, until a probe succeeds`() async throws {
        try await withFleet(settings: { $0.checkInterval = .zero }) { loop, fleet in
            for _ in 0..<4 { _ = try await fleet.post(#"{"model":"fault:broken"}"#) }
            let good = try await fleet.post("{}")  // so that they are not in a row
            #expect(good.status == 200)
            for _ in 0..<5 {
                let response = try await fleet.post(#"{"model":"fault:broken"}"#)
                #expect(response.status == 502)
            }
            let kept = try await fleet.post("{}")
            #expect(kept.status == 503 && kept.text.hasPrefix(Self.lookedAfter))
            #expect(fleet.requests == [10])
            var answered = kept
            while answered.status == 503 { answered = try await fleet.post("{}") }
            #expect(answered.status == 200)
            #expect(fleet.requests == [11])
        }
    }

    @Test func `what clients do wrong keeps nobody away`() async throws {
        let service = Refusing()
        try await onLoop { loop in
            let upstream = Server(service, on: loop, log: Fleet.quiet)
            let address = try upstream.listen(on: try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0])
            let fleet = try Fleet([], hosts: ["\(address)"], on: loop) { _ in }
            for _ in 0..<10 {
                let response = try await fleet.post("{}")
                #expect(response.status == 400 && response.text.hasPrefix("Ollama refuses the request: option \"x\""))
            }
            await fleet.function.stop()
        }
        var slow = StandInSettings()
        slow.firstToken = .seconds(600)
        try await withFleet([slow]) { loop, fleet in
            for name in ["first_token", "total"] {
                for _ in 0..<6 {
                    let response = try await fleet.post(#"{"timeout":{"\#(name)":"10ms"}}"#)
                    #expect(response.status == 504)
                }
            }
            #expect(fleet.requests == [12])
        }
    }

    /// An Ollama whose options are all wrong.
    private final class Refusing: Service, Sendable {
        func respond(to request: borrowing RequestHead) -> Response? { nil }

        func handle(_ request: Request, _ reply: consuming Reply) async {
            let body = Array(#"{"error":"option \"x\" must be of type integer"}"#.utf8)
            reply.send(Response(.internalServerError, .json, body: body))
        }
    }
}

private typealias Several = `Several Ollamas`
