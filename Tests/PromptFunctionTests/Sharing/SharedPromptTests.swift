import APIs
import EventLoop
import HTTPServer
import Ollama
import OpenAI
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Equal deterministic prompts in flight at the same time.
@Suite(.timeLimit(.minutes(1))) struct `Shared prompts` {
    @Sendable private static func share(_ settings: inout PromptFunction.Settings) {
        settings.coalesces = true
        settings.apis = Set(API.allCases)
    }

    private static func prompt(_ further: String = "", options: String = #""temperature":0"#) -> String {
        #"{"prompt":"hi","options":{\#(options)}\#(further)}"#
    }

    private static let streamed = prompt(#","stream":true"#)

    /// Begins requests, of which the stand-in gets only one.
    private static func begin(
        _ count: Int, _ body: String, _ fields: [String] = [], to path: String = "/", _ fixture: MultiBackendFixture,
        on loop: isolated EventLoop
    ) async throws -> [RawSocket] {
        var sockets: [RawSocket] = []
        for _ in 0..<count { sockets.append(try await fixture.open(postRequest(body, fields, to: path))) }
        try await until("all have come, and one is asked", on: loop) {
            fixture.server.requestsInFlight >= count && fixture.active > 0 && fixture.function.decoding == 0
        }
        return sockets
    }

    static let requests: [(path: String, body: String)] = [
        ("/", prompt()), ("/", streamed), ("/", prompt(options: #""seed":1,"temperature":1"#)),
        ("/", prompt(options: #""temperature":0.0e9"#)),
        ("/api/chat", #"{"model":"m","messages":[{"role":"user","content":"hi"}],"options":{"seed":7}}"#),
        ("/api/generate", #"{"model":"m","prompt":"hi","options":{"temperature":0},"stream":false}"#),
        ("/v1/chat/completions", #"{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":1,"stream":true}"#),
        ("/v1/messages", #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"temperature":0}"#),
    ]

    @Test(arguments: requests, [false, true])
    func `share one generation, and each client gets all of it`(
        request: (path: String, body: String), isOpenAI: Bool
    ) async throws {
        try await withBackends(settings: {
            Self.share(&$0)
            if isOpenAI {
                $0.openAIHosts = try $0.hosts.map { try OpenAIBaseURL(parsing: "http://\($0.host):\($0.port)") }
                $0.hosts = []
            }
        }) { loop, fixture in
            let alone = try await fixture.post(request.body, to: request.path)
            #expect(alone.status == 200 && alone.isWhole)
            fixture.standIn.hold()
            let sockets = try await Self.begin(20, request.body, to: request.path, fixture, on: loop)
            #expect(fixture.active == 1 && fixture.function.inFlight == 1)
            fixture.standIn.release()
            var texts: Set<String> = []
            for socket in sockets {
                let answered = try await response(on: socket)
                #expect(answered.status == 200 && answered.isWhole)
                texts.insert(answered.text)
                socket.close()
            }
            #expect(texts.count == 1 && fixture.requests == [2])
        }
    }

    @Test func `do not share what may differ`() async throws {
        try await withBackends(settings: Self.share) { loop, fixture in
            fixture.standIn.hold()
            let random = [
                #"{"prompt":"hi"}"#, Self.prompt(options: #""temperature":0.1"#), Self.prompt(options: #""seed":null"#),
                Self.prompt(options: #""seed":-1"#),
            ]
            let different = [
                Self.prompt(), Self.streamed, Self.prompt(options: #""temperature":0,"seed":1"#),
                Self.prompt(#","model":"other""#), Self.prompt(#","timeout":"1h""#), Self.prompt(#","timeout":"1h""#),
            ]
            var sockets: [RawSocket] = []
            for body in random + random + different { sockets.append(try await fixture.open(postRequest(body))) }
            // A whole answer has another form, and another path another answer.
            sockets.append(try await fixture.open(postRequest(Self.prompt(), ["Accept: application/json"])))
            let chat = #"{"model":"m","prompt":"hi","messages":[{"role":"user","content":"hi"}],"options":{"seed":7}}"#
            for path in ["/api/chat", "/api/generate"] {
                sockets.append(try await fixture.open(postRequest(chat, to: path)))
            }
            try await until("each is asked", on: loop) { fixture.active == sockets.count }
            fixture.standIn.release()
            for socket in sockets {
                let answered = try await response(on: socket)
                #expect(answered.status == 200)
                socket.close()
            }
        }
    }

    @Test func `do not share without the flag`() async throws {
        try await withBackends { loop, fixture in
            fixture.standIn.hold()
            let sockets = try await fixture.open(3, posting: Self.prompt())
            try await until("each is asked", on: loop) { fixture.active == 3 }
            fixture.standIn.release()
            for socket in sockets { socket.close() }
        }
    }

    private static func timeless(_ text: String) -> String {
        text.replacing(/"created_at":"[^"]*"|"\w+_duration":\d+/, with: "")
    }

    @Test func `may want a stream in several forms`() async throws {
        try await withBackends(settings: Self.share) { loop, fixture in
            let forms = ["*/*", "application/x-ndjson", "text/event-stream"]
            var alone: [String] = []
            for form in forms { alone.append(try await fixture.post(Self.streamed, ["Accept: \(form)"]).text) }
            fixture.standIn.hold()
            var sockets: [RawSocket] = []
            for form in forms {
                sockets += try await Self.begin(1, Self.streamed, ["Accept: \(form)"], fixture, on: loop)
            }
            try await until("all have come", on: loop) {
                fixture.server.requestsInFlight == 3 && fixture.function.decoding == 0
            }
            fixture.standIn.release()
            for (socket, alone) in zip(sockets, alone) {
                let answered = try await response(on: socket)
                #expect(answered.isWhole && Self.timeless(answered.text) == Self.timeless(alone))
                socket.close()
            }
            #expect(fixture.requests == [4])
        }
    }

    /// Runs `body` with an Ollama that the test plays itself.
    private static func play(
        settings: @escaping @Sendable (inout PromptFunction.Settings) throws -> Void = share,
        limits: @escaping @Sendable (inout Limits) -> Void = { _ in },
        _ body: @escaping @Sendable (isolated EventLoop, MultiBackendFixture, RawServer) async throws -> Void
    ) async throws {
        let server = try RawServer()
        try await withBackends([], hosts: ["127.0.0.1:\(server.port)"], settings: settings, limits: limits) {
            loop, fixture in
            try await body(loop, fixture, server)
        }
    }

    /// Accepts a connection and its request, and begins to answer.
    private static func begin(at server: RawServer, type: String = "application/x-ndjson") async throws -> RawPeer {
        try await offLoop {
            let peer = try server.accept()
            try peer.receiveRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n")
            return peer
        }
    }

    private static func send(_ text: String, to peer: RawPeer) async throws {
        try await offLoop { try peer.send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n") }
    }

    private static func expect(_ text: String, on socket: RawSocket) async throws {
        _ = try await offLoop { try socket.receive(until: text) }
    }

    private static func line(_ text: String, isDone: Bool = false) -> String {
        #"{"model":"m","message":{"role":"assistant","content":"\#(text)"},"done":\#(isDone)}"# + "\n"
    }

    private static let chat = #"{"model":"m","messages":[{"role":"user","content":"hi"}],"options":{"seed":7}}"#

    @Test(arguments: [("/", streamed), ("/api/chat", chat)])
    func `give one that comes late what has come, and go on without one that leaves`(
        path: String, body: String
    ) async throws {
        try await Self.play { loop, fixture, server in
            let first = try await fixture.open(postRequest(body, to: path))
            let peer = try await Self.begin(at: server)
            try await Self.send(Self.line("ab") + Self.line("cd"), to: peer)
            try await Self.expect("cd", on: first)
            let second = try await fixture.open(postRequest(body, to: path))
            try await Self.expect("ab", on: second)
            try await Self.expect("cd", on: second)
            first.close()
            try await until("it has left", on: loop) { fixture.server.requestsInFlight == 1 }
            try await Self.send(Self.line("ef", isDone: true), to: peer)
            try await offLoop { try peer.send("0\r\n\r\n") }
            try await Self.expect("ef", on: second)
            try await Self.expect("0\r\n\r\n", on: second)
            #expect(server.accepted == 1)
            second.close()
            peer.close()
        }
    }

    @Test(arguments: [("/", streamed), ("/api/chat", chat)])
    func `give a thousand clients all of it, though others leave`(path: String, body: String) async throws {
        try await Self.play(limits: { $0.connections = 2000 }) { loop, fixture, server in
            var staying = [try await fixture.open(postRequest(body, to: path))]
            let peer = try await Self.begin(at: server)
            try await Self.send(Self.line("first"), to: peer)
            try await Self.expect("first", on: staying[0])
            var leaving: [RawSocket] = []
            for _ in 1..<1000 {
                staying.append(try await fixture.open(postRequest(body, to: path)))
                leaving.append(try await fixture.open(postRequest(body, to: path)))
            }
            try await until("all have come", on: loop) {
                fixture.server.requestsInFlight == 1999 && fixture.function.decoding == 0
            }
            for socket in leaving { socket.close() }
            try await Self.send(Self.line("second"), to: peer)
            try await until("the others have left", on: loop) { fixture.server.requestsInFlight == 1000 }
            try await Self.send(Self.line("end", isDone: true), to: peer)
            try await offLoop { try peer.send("0\r\n\r\n") }
            for (number, socket) in staying.enumerated() {
                if number > 0 { try await Self.expect("first", on: socket) }
                for text in ["second", "end", "0\r\n\r\n"] { try await Self.expect(text, on: socket) }
                socket.close()
            }
            #expect(server.accepted == 1)
            peer.close()
        }
    }

    @Test func `end with the last client`() async throws {
        try await Self.play { loop, fixture, server in
            let sockets = try await fixture.open(3, posting: Self.streamed)
            let peer = try await Self.begin(at: server)
            try await Self.send(Self.line("a"), to: peer)
            for socket in sockets { try await Self.expect("a", on: socket) }
            for socket in sockets { socket.close() }
            #expect(try await offLoop { try peer.receiveEnd() } == .closed)
            try await until("nothing is in flight", on: loop) { fixture.function.inFlight == 0 }
            // The next one begins a new generation.
            let next = try await fixture.open(postRequest(Self.streamed))
            let again = try await Self.begin(at: server)
            try await Self.send(Self.line("b", isDone: true), to: again)
            try await offLoop { try again.send("0\r\n\r\n") }
            try await Self.expect("b", on: next)
            next.close()
            again.close()
        }
    }

    /// A client that reads nothing is cut off before the budget is used up; the others get all of it meanwhile.
    @Test(arguments: [("/", streamed), ("/api/chat", chat)], [1 << 20, 4 << 20, 64 << 20])
    func `do not wait for one that does not read`(to: (path: String, body: String), budget: Int) async throws {
        let (path, body) = to
        try await Self.play(limits: { $0.bufferedBytes = budget }) { loop, fixture, server in
            let slow = try await fixture.open(postRequest(body, to: path), receiveBuffer: 4096)
            let peer = try await Self.begin(at: server)
            let fast = try await fixture.open(postRequest(body, to: path))
            try await until("both are there", on: loop) {
                fixture.server.requestsInFlight == 2 && fixture.function.decoding == 0
            }
            let piece = String(repeating: "x", count: 64_000)
            let text = ChunkedText(on: fast)
            for number in 0..<200 {
                try await Self.send(Self.line("\(number):" + piece), to: peer)
                try await offLoop { try text.receive(until: "\(number):\(piece)") }
            }
            try await until("it is cut off", on: loop) { fixture.server.requestsInFlight == 1 }
            try await Self.send(Self.line("end", isDone: true), to: peer)
            try await offLoop { try peer.send("0\r\n\r\n") }
            try await Self.expect("0\r\n\r\n", on: fast)
            #expect(server.accepted == 1)
            for socket in [slow, fast] { socket.close() }
            peer.close()
        }
    }

    /// A client that is alone pauses the answer as often as it falls behind.
    @Test(arguments: [("/", streamed), ("/api/chat", chat)])
    func `go on after the only client has fallen behind`(path: String, body: String) async throws {
        try await Self.play { loop, fixture, server in
            let socket = try await fixture.open(postRequest(body, to: path), receiveBuffer: 4096)
            let peer = try await Self.begin(at: server)
            let text = ChunkedText(on: socket)
            let line = Self.line(String(repeating: "x", count: 1000))
            let chunk = Array("\(String(line.utf8.count, radix: 16))\r\n\(line)\r\n".utf8)
            for round in 0..<2 {
                let sent = try await offLoop { try peer.sendUntilBlocked(chunk, limit: 64 << 20) }
                #expect(sent > 0)
                // Now all of it is read, and what comes behind it.
                async let reading: Void = offLoop { try text.receive(until: "round \(round)") }
                if sent % chunk.count > 0 { try await offLoop { try peer.send(Array(chunk[(sent % chunk.count)...])) } }
                try await Self.send(Self.line("round \(round)"), to: peer)
                try await reading
            }
            try await Self.send(Self.line("end", isDone: true), to: peer)
            try await offLoop { try peer.send("0\r\n\r\n") }
            try await Self.expect("end", on: socket)
            socket.close()
            peer.close()
        }
    }

    @Test func `give one that comes at the very end all of it`() async throws {
        let server = try RawServer()
        try await withBackends(
            [], clock: .manual,  // the end of the HTTP message is waited for, a second at most
            settings: {
                Self.share(&$0)
                $0.openAIHosts = [try OpenAIBaseURL(parsing: "http://127.0.0.1:\(server.port)")]
            }
        ) { loop, fixture in
            let first = try await fixture.open(postRequest(Self.chat, to: "/api/chat"))
            let peer = try await Self.begin(at: server, type: "text/event-stream")
            let event = #"data: {"model":"m","choices":[{"index":0,"delta":{"content":"abc"},"finish_reason":"stop"}]}"#
            try await Self.send(event + "\n\ndata: [DONE]\n\n", to: peer)
            try await Self.expect("0\r\n\r\n", on: first)
            let second = try await fixture.open(postRequest(Self.chat, to: "/api/chat"))
            let late = try await response(on: second)
            #expect(late.isWhole && late.text.contains("abc") && late.text.contains(#""done":true"#), "\(late.text)")
            #expect(server.accepted == 1)
            for socket in [first, second] { socket.close() }
            peer.close()
        }
    }

    @Test func `let nobody join when more has come than is kept`() async throws {
        try await Self.play { loop, fixture, server in
            let first = try await fixture.open(postRequest(Self.streamed))
            let peer = try await Self.begin(at: server)
            try await Self.send(Self.line("a" + String(repeating: "x", count: 70_000)), to: peer)
            try await Self.expect("xxx", on: first)
            let second = try await fixture.open(postRequest(Self.streamed))
            let other = try await Self.begin(at: server)
            for (peer, socket) in [(peer, first), (other, second)] {
                try await Self.send(Self.line("end", isDone: true), to: peer)
                try await offLoop { try peer.send("0\r\n\r\n") }
                try await Self.expect("end", on: socket)
                socket.close()
                peer.close()
            }
        }
    }

    // MARK: Failures

    @Test(arguments: ["missing", "broken", "failing", "unfinished", "cut", "reset", "close"])
    func `all fail alike, and the next is answered`(fault: String) async throws {
        try await withBackends(settings: Self.share) { loop, fixture in
            let requests = [
                ("/", #"{"model":"fault:\#(fault)","options":{"seed":1}}"#),
                ("/api/chat", #"{"model":"fault:\#(fault)","messages":[{"role":"user"}],"options":{"seed":1}}"#),
            ]
            for (path, body) in requests {
                let alone = try await fixture.post(body, to: path)
                var sockets: [RawSocket] = []
                for _ in 0..<5 { sockets.append(try await fixture.open(postRequest(body, to: path))) }
                for socket in sockets {
                    let failed = try await response(on: socket)
                    #expect(failed.status == alone.status && failed.isWhole == alone.isWhole)
                    // How much is lost of one that is cut differs.
                    let isSame = Self.timeless(failed.text) == Self.timeless(alone.text)
                    #expect(isSame || !failed.isWhole, "\(path)")
                    socket.close()
                }
                #expect(try await fixture.post(Self.prompt()).status == 200)
            }
        }
    }

    @Test func `ask another host and another model together`() async throws {
        var standIn = StandInSettings()
        standIn.models = ["b"]
        try await withBackends(
            [standIn],
            settings: {
                Self.share(&$0)
                $0.fallbacks = try Fallbacks("a=b")
            }
        ) { loop, fixture in
            fixture.standIn.hold()
            let body = Self.prompt(#","model":"a""#)
            let sockets = try await fixture.open(10, posting: body)
            try await until("all wait for the other model", on: loop) {
                fixture.server.requestsInFlight == 10 && fixture.active == 1 && fixture.function.decoding == 0
            }
            fixture.standIn.release()
            for socket in sockets {
                let answered = try await response(on: socket)
                #expect(answered.status == 200 && answered["X-Promptd-Model"] == "b")
                socket.close()
            }
        }
    }

    @Test func `end the generation when the last client cannot have the answer`() async throws {
        try await Self.play { loop, fixture, server in
            let text = try await fixture.open(postRequest(Self.streamed))
            let peer = try await Self.begin(at: server)
            try await Self.send(
                #"{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":false}"#
                    + "\n",
                to: peer)
            #expect(try await response(on: text).status == 406)
            #expect(try await offLoop { try peer.receiveEnd() } == .closed)
            text.close()
        }
    }

    @Test func `fail alone where only one cannot have the answer`() async throws {
        try await Self.play { loop, fixture, server in
            let body = #"{"prompt":"hi","stream":true,"options":{"seed":1}}"#
            let text = try await fixture.open(postRequest(body))
            let peer = try await Self.begin(at: server)
            let objects = try await fixture.open(postRequest(body, ["Accept: application/x-ndjson"]))
            try await until("both are there", on: loop) {
                fixture.server.requestsInFlight == 2 && fixture.function.decoding == 0
            }
            try await Self.send(
                Self.line("LEAKED")
                    + #"{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":false}"#
                    + "\n",
                to: peer)
            let refused = try await response(on: text)
            #expect(refused.status == 406 && !refused.text.contains("LEAKED"))
            try await Self.send(Self.line("", isDone: true), to: peer)
            try await offLoop { try peer.send("0\r\n\r\n") }
            let answered = try await response(on: objects)
            #expect(answered.isWhole && answered.text.contains("tool_calls") && answered.text.hasPrefix("{"))
            for socket in [text, objects] { socket.close() }
            peer.close()
        }
    }
}
