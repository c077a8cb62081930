import EventLoop
import FunctionHost
import HTTPClient
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Ollamas that are busy, away, or come back.
@Suite(.timeLimit(.minutes(1))) struct `Recovery` {
    private static let unreachable = "Ollama cannot be reached.\n"
    private static let hasFailed = "Ollama is unavailable: try again in"
    /// No checks but those of Ollamas that fail; readiness tells when one of them has succeeded.
    private static let probesOnly: @Sendable (inout PromptFunction.Settings) throws -> Void = {
        ($0.checkInterval, $0.readiness) = (.zero, .backend)
    }

    @Test func `a busy Ollama is asked three times more, then the client is told`() async throws {
        try await withBackends(clock: .manual) { loop, fixture in
            let socket = try await fixture.open(postRequest(#"{"model":"fault:busy"}"#))
            try await until("it is to be tried again", on: loop) { fixture.retries == 1 }
            let start = loop.now
            await loop.advance(by: .milliseconds(200) - .nanoseconds(1))
            #expect(fixture.requests == [1] && fixture.retries == 1)
            let step = Duration.milliseconds(50)
            for times in 1...3 {
                try await until("it is to be tried again", on: loop) { fixture.retries == times }
                var isWaiting: Bool {
                    fixture.retries == times && fixture.function.inFlight == 0 && fixture.server.requestsInFlight == 1
                }
                for _ in 0..<100 where isWaiting { await loop.advance(by: step) }
            }
            let least = Duration.milliseconds(200 + 400 + 800)  // of all three waits; twice at most
            #expect(loop.now - start >= least && loop.now - start <= least * 2 + step * 3)
            let response = try await response(on: socket)
            #expect(response.status == 503 && response.text.hasPrefix("Ollama is busy, try again later: server busy"))
            #expect(response["Retry-After"] == "5")
            #expect(fixture.requests == [4])
            #expect(fixture.log.lines(with: "retrying after a failure").count == 3)
        }
    }

    @Test func `a client that leaves while a busy Ollama is given time is forgotten`() async throws {
        try await withBackends { loop, fixture in
            let socket = try await fixture.open(postRequest(#"{"model":"fault:busy"}"#))
            try await until("it is to be tried again", on: loop) { fixture.retries == 1 }
            socket.close()
            try await until("it is gone", on: loop) { fixture.server.requestsInFlight == 0 }
            #expect(fixture.requests == [1] && fixture.retries == 1)
        }
    }

    @Test func `a prompt that has waited for long is tried again all the same`() async throws {
        // What it waited in the queue is not time that Ollama took.
        let limit = Duration.seconds(2)
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.maxInFlight, $0.deadlines.total) = (1, limit)
        }
        try await withBackends(clock: .manual, settings: change) { loop, fixture in
            fixture.standIn.hold()
            let first = try await fixture.begin(["{}"], on: loop)
            let busy = try await fixture.begin([#"{"model":"fault:busy"}"#], on: loop)
            try await passDeadline(limit, on: loop)
            let expired = try await response(on: first[0])
            #expect(expired.status == 504)
            // The next one has its own two seconds from now.
            try await until("it is to be tried again", on: loop) { fixture.retries == 1 }
            await loop.advance(by: .milliseconds(400))
            try await until("Ollama was asked again", on: loop) { fixture.requests[0] == 3 }
            busy[0].close()
        }
    }

    @Test(arguments: [1, 3])
    func `where all are away the client is told, and none is asked until one is back`(count: Int) async throws {
        let settings = Array(repeating: StandInSettings(), count: count)
        try await withBackends(settings, clock: .manual, settings: Self.probesOnly) { loop, fixture in
            for index in 0..<count { await fixture.stop(index) }
            let first = try await fixture.post("{}")
            #expect(first.status == 502 && first.text == Self.unreachable)
            #expect(fixture.retries == count - 1)
            let second = try await fixture.post("{}", ["Accept: application/json"])
            #expect(second.status == 503 && second.text.hasPrefix("{\"error\":\"\(Self.hasFailed)"))
            let seconds = Int(second["Retry-After"] ?? "") ?? 0
            #expect((1...3).contains(seconds))
            // One comes back: the probe, 1 to 1.5 s after it failed, finds it.
            try fixture.restart(count - 1)
            await loop.advance(by: .milliseconds(1500))
            try await until("it is found", on: loop) { fixture.function.ready() == .healthy }
            let answered = try await fixture.post("{}")
            #expect(answered.text == answer(to: "Who are you?"))
            #expect(fixture.requests.last == 1)  // the probe was no prompt
            let failed = fixture.log.lines(with: "prompt failed cause=ollama: cannot connect: ")
            #expect(failed.count == 1 && failed[0].contains(" model=llama3.2:1b ollama=http://127.0.0.1:"))
            let back = "ollama is available again ollama=http://\(fixture.addresses[count - 1])"
            #expect(fixture.log.lines(with: "ollama is unavailable ollama=http://").count == count)
            #expect(fixture.log.lines(with: "ollama is available again") == [back])
        }
    }

    @Test func `prompts that wait go on when their Ollama comes back`() async throws {
        try await withBackends(clock: .manual, settings: { $0.maxInFlight = 1 }) { loop, fixture in
            fixture.standIn.hold()
            let sockets = try await fixture.begin((0..<3).map { Several.prompt($0) }, on: loop)
            await fixture.stop(0)
            // The one that it had is told, and so is the next, which finds nobody. The last one waits.
            let first = try await response(on: sockets[0])
            #expect(first.status == 502)
            let second = try await response(on: sockets[1])
            #expect(second.status == 502)
            #expect(fixture.function.waiting == 1)
            try fixture.restart(0)
            await loop.advance(by: .milliseconds(1500))
            let last = try await response(on: sockets[2])
            #expect(last.text == answer(to: "2"))
        }
    }

    @Test func `a model that always fails keeps no other away`() async throws {
        try await withBackends(clock: .manual, settings: Self.probesOnly) { loop, fixture in
            for _ in 0..<20 {
                let response = try await fixture.post(#"{"model":"fault:broken"}"#)
                #expect(response.status == 502)
            }
            let good = try await fixture.post("{}")
            #expect(good.status == 200)
            #expect(fixture.requests == [21])
        }
    }

    @Test func `what clients do wrong keeps nobody away`() async throws {
        let service = Refusing()
        try await onLoop { loop in
            let fixture = try MultiBackendFixture([], services: [service], on: loop) { _ in }
            for _ in 0..<10 {
                let response = try await fixture.post("{}")
                #expect(response.status == 400 && response.text.hasPrefix("Ollama refuses the request: option \"x\""))
            }
            await fixture.function.stop()
        }
        var slow = StandInSettings()
        slow.firstToken = .seconds(600)
        try await withBackends([slow], clock: .manual) { loop, fixture in
            for name in ["first_token", "total"] {
                for _ in 0..<6 {
                    let response = try await fixture.post(
                        #"{"timeout":{"\#(name)":"10ms"}}"#, passing: .milliseconds(10), on: loop)
                    #expect(response.status == 504)
                }
            }
            #expect(fixture.requests == [12])
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
