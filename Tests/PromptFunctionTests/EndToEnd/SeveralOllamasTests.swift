import EventLoop
import HTTPClient
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Prompts for several Ollamas.
@Suite(.timeLimit(.minutes(1))) struct `Several Ollamas` {
    static let two = [StandInSettings(), StandInSettings()]
    static let three = two + [StandInSettings()]

    static func prompt(_ text: some CustomStringConvertible, model: String = "llama3.2:1b") -> String {
        #"{"prompt":"\#(text)","model":"\#(model)"}"#
    }

    @Test func `prompts go to the least busy of those that have the model loaded`() async throws {
        try await withBackends(Self.three, settings: { $0.checkInterval = .milliseconds(20) }) { loop, fixture in
            // Two of them have it, which they tell when they are asked.
            for index in [0, 2] { try await Self.load("m", fixture.addresses[index].port) }
            let seen = fixture.listings
            try await until("the checks have seen it", on: loop) { fixture.listings >= seen + 18 }
            for standIn in fixture.standIns { standIn.hold() }
            let before = fixture.requests
            let sockets = try await fixture.begin((0..<10).map { Self.prompt($0, model: "m") }, on: loop)
            try await until("all are asked", on: loop) { fixture.active == 10 }
            #expect(zip(fixture.requests, before).map { $0 - $1 } == [5, 0, 5])
            // One gets through with all it has, and is the least busy then.
            fixture.standIns[2].release()
            try await until("it is through", on: loop) { fixture.function.inFlight == 5 }
            fixture.standIns[2].hold()
            let next = try await fixture.begin((0..<5).map { Self.prompt($0, model: "m") }, on: loop)
            try await until("all are asked", on: loop) { fixture.active == 10 }
            #expect(zip(fixture.requests, before).map { $0 - $1 } == [5, 0, 10])
            for socket in sockets + next { socket.close() }
        }
    }

    @Test func `a model that one host lacks is asked for at another, before anything is known`() async throws {
        var (first, second) = (StandInSettings(), StandInSettings())
        (first.models, second.models) = (["a"], ["b"])
        try await withBackends([first, second], settings: { $0.checkInterval = .zero }) { loop, fixture in
            for index in 0..<10 {
                for model in ["a", "b"] {
                    let response = try await fixture.post(Self.prompt(index, model: model))
                    #expect(response.status == 200 && response.text == answer(to: "\(index)"))
                }
            }
            #expect(fixture.requests.reduce(0, +) <= 22)  // each host was asked once at most for what it lacks
            #expect(try await fixture.post(Self.prompt("x", model: "c")).status == 404)
            #expect(fixture.requests.reduce(0, +) <= 24)
        }
    }

    /// Has the stand-in at `port` load a model.
    private static func load(_ model: String, _ port: UInt16) async throws {
        let body = #"{"model":"\#(model)","messages":[],"stream":false}"#
        try await offLoop {
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            try socket.send("POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(try socket.response().status == 200)
        }
    }

    @Test(arguments: [false, true])
    func `each model stays where it is loaded, as long as no queue is worth a load`(isListed: Bool) async throws {
        var standIn = StandInSettings()
        standIn.loadTime = .milliseconds(500)  // much longer than a queue of three takes, however slow this process is
        let check = isListed ? Duration.milliseconds(5) : .zero
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.checkInterval, $0.maxInFlight) = (check, 64)
        }
        try await withBackends([standIn, standIn, standIn], settings: change) { loop, fixture in
            let port = fixture.port
            for model in 0..<2 {  // so that it is known what a load takes, and what an answer takes
                for _ in 0..<3 { _ = try await fixture.post(Self.prompt(0, model: "model\(model)")) }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<4 {
                    group.addTask {
                        try await offLoop {
                            let socket = try RawSocket(port: port)
                            defer { socket.close() }
                            for index in 0..<50 {
                                try socket.send(postRequest(Self.prompt(index, model: "model\((client + index) % 2)")))
                                #expect(try socket.response().text == answer(to: "\(index)"))
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(fixture.requests.reduce(0, +) == 206)
            #expect(fixture.standIns.reduce(0) { $0 + $1.counts.loads } == 2)
        }
    }

    @Test func `a host that refuses connections is passed over`() async throws {
        try await withBackends(Self.two, settings: { $0.checkInterval = .zero }) { loop, fixture in
            await fixture.stop(0)
            try await Self.untilRetried(fixture, on: loop)
            #expect(fixture.log.lines(with: "retrying after a failure").count == 1)
            #expect(fixture.log.lines(with: "retrying after a failure")[0].contains("Connection refused"))
            // It is known now: nobody is sent there.
            for index in 0..<20 {
                let text = try await fixture.post(Self.prompt(index)).text
                #expect(text == answer(to: "\(index)"))
            }
            #expect(fixture.retries == 1)
        }
    }

    private static let firstByteLimit = Duration.seconds(60)

    /// Posts prompts that differ, each to be answered, until one was tried at the host that fails.
    ///
    /// - Parameter silent: that host, if it fails by its silence.
    private static func untilRetried(
        _ fixture: MultiBackendFixture, silent: RawServer? = nil, on loop: isolated EventLoop
    ) async throws {
        for index in 0..<100 where fixture.retries == 0 {
            let asked = fixture.requests
            let socket = try await fixture.open(postRequest(Self.prompt(index, model: "model\(index)")))
            defer { socket.close() }
            if let silent {
                try await until("one is asked", on: loop) { fixture.requests != asked || silent.clients > 0 }
                if silent.clients > 0 { try await passDeadline(firstByteLimit, on: loop) }
            }
            let response = try await response(on: socket)
            #expect(response.text == answer(to: "\(index)"), "\(response)")
        }
    }

    @Test(arguments: [
        "silence", "reset", "close", "SSH-2.0-x\r\n", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"message", "HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\n{\"error",
        "HTTP/1.1 429 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"err",
        "HTTP/1.1 403 X\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ])
    func `where a host fails before a part of an answer, another answers`(way: String) async throws {
        let server = try RawServer()
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.deadlines.firstByte = Self.firstByteLimit
            $0.checkInterval = .zero
        }
        async let peers = server.play([
            { peer in
                try peer.receiveRequest()
                switch way {
                case "silence": try peer.receiveEnd()
                case "reset": peer.reset()
                case "close": peer.close()
                default:
                    try peer.send(way)
                    peer.close()
                }
            }
        ])
        try await withBackends(hosts: ["127.0.0.1:\(server.port)"], clock: .manual, settings: change) { loop, fixture in
            try await Self.untilRetried(fixture, silent: way == "silence" ? server : nil, on: loop)
            #expect(fixture.log.lines(with: "retrying after a failure").count == 1)
            #expect(
                fixture.log.lines(with: "retrying after a failure")[0].contains(
                    "ollama=http://127.0.0.1:\(server.port)"))
        }
        _ = try await peers
        #expect(server.accepted == 1)
    }

    @Test func `a prompt is not sent again to a host that failed it, whatever that has loaded`() async throws {
        // It fails this prompt, and it alone has the model: the next one would go there too.
        try await withBackends(Self.three, settings: { $0.checkInterval = .zero }) { loop, fixture in
            let failed = try await fixture.post(#"{"model":"fault:close"}"#)
            #expect(failed.status == 502)
            #expect(fixture.requests == [1, 1, 1])
            #expect(fixture.log.lines(with: "retrying after a failure").count == 2)
        }
    }

    @Test func `a host that has the model and closes connections does not keep its prompts`() async throws {
        let server = try RawServer()
        let script: RawServer.Script = { peer in
            guard try peer.receiveRequest().head.hasPrefix("GET /api/ps") else {
                peer.close()
                return
            }
            let list = #"{"models":[{"name":"llama3.2:1b","model":"llama3.2:1b"}]}"#
            try peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(list.utf8.count)\r\n\r\n\(list)")
            peer.close()
        }
        let tags: RawServer.Script = { peer in
            try peer.receiveRequest()
            try peer.send("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            peer.close()
        }
        async let peers = server.play([tags, script] + Array(repeating: script, count: 3))
        let host = "127.0.0.1:\(server.port)"
        // No deadline of a check passes, however slow this process is.
        try await withBackends(hosts: [host], clock: .manual) { loop, fixture in
            try await until("both were checked", on: loop) { server.accepted == 2 && fixture.listings == 2 }
            for index in 0..<3 {
                let response = try await fixture.post(Self.prompt(index))
                #expect(response.text == answer(to: "\(index)"))
            }
            #expect(fixture.log.lines(with: "retrying after a failure").count == server.accepted - 2)
        }
        // What the scripts still wait for.
        for _ in server.accepted..<5 {
            try await offLoop {
                let socket = try RawSocket(port: server.port)
                try socket.send("GET / HTTP/1.1\r\n\r\n")
                _ = try socket.receiveUntilEnd()
            }
        }
        _ = try await peers
    }

    @Test func `after a part of an answer nothing is asked for again`() async throws {
        try await withBackends(Self.three) { loop, fixture in
            for fault in ["cut", "reset", "unfinished", "garbling", "failing"] {
                let before = fixture.requests.reduce(0, +)
                _ = try await fixture.post(#"{"model":"fault:\#(fault)","stream":true}"#)
                #expect(fixture.requests.reduce(0, +) == before + 1, "\(fault)")
            }
            #expect(fixture.retries == 0)
        }
    }

    @Test func `a whole answer that breaks off is asked for elsewhere, once at each host`() async throws {
        try await withBackends(Self.three, settings: { $0.checkInterval = .zero }) { loop, fixture in
            for (index, fault) in ["cut", "reset", "unfinished"].enumerated() {
                let failed = try await fixture.post(#"{"model":"fault:\#(fault)"}"#)
                #expect(failed.status == 502)
                #expect(fixture.requests == [index + 1, index + 1, index + 1], "\(fault)")
            }
        }
    }

    @Test func `a host that answers 404 to listings serves prompts`() async throws {
        try await onLoop { loop in
            let service = Chats()
            let change: (inout PromptFunction.Settings) throws -> Void = {
                ($0.readiness, $0.checkInterval) = (.loaded, .milliseconds(5))
            }
            let fixture = try MultiBackendFixture([], services: [service], on: loop, change)
            try await fixture.function.start()
            try await until("it was checked", on: loop) { service.listings >= 2 }
            let unknown = try await fixture.get("/health/readiness")
            #expect(unknown.text == "No Ollama has the model 'llama3.2:1b' loaded")
            let response = try await fixture.post("{}")
            #expect(response.text == "hello")
            let seen = service.listings
            try await until("it was checked again", on: loop) { service.listings >= seen + 4 }
            let ready = try await fixture.get("/health/readiness")
            #expect(ready.text == "Ready")
            #expect(service.chats == 1)
            await fixture.function.stop()
        }
    }

    /// An Ollama that lists nothing. Belongs to the loop.
    private final class Chats: Service {
        var listings = 0
        var chats = 0

        func respond(to request: borrowing RequestHead) -> Response? {
            listings += 1
            return .text(.notFound, "404 page not found")
        }

        func handle(_ request: Request, _ reply: consuming Reply) async {
            chats += 1
            reply.send(Response(.ok, .json, body: Array(#"{"message":{"content":"hello"},"done":true}"#.utf8)))
        }
    }
}
