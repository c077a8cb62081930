import APIs
import EventLoop
import FunctionHost
import HTTPServer
import Ollama
import OpenAI
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Prompts for servers with OpenAI's API. Stand-ins play them: Ollama has that API too.
@Suite(.timeLimit(.minutes(1))) struct `Servers with OpenAI's API` {
    /// Makes servers with OpenAI's API of the last `count` hosts.
    static func openAI(_ settings: inout PromptFunction.Settings, last count: Int = 1) throws {
        settings.openAIHosts = try settings.hosts.suffix(count).map {
            try OpenAIBaseURL(parsing: "http://\($0.host):\($0.port)/v1")
        }
        settings.hosts.removeLast(count)
    }

    @Sendable private static func only(_ settings: inout PromptFunction.Settings) throws {
        try openAI(&settings)
        settings.apis = Set(API.allCases)
    }

    /// What differs from answer to answer is left out.
    private static func timeless(_ text: String) -> String {
        text.replacing(/"created_at":"[^"]*"/, with: "").replacing(/"\w+_duration":\d+,?/, with: "")
            .replacing(/"created":\d+/, with: "").replacing(/"(id|index)":("[^"]*"|\d+),?/, with: "")
            .replacing(/,}/, with: "}")
    }

    private static let forms = ["*/*", "application/json", "application/x-ndjson", "text/event-stream"]
    private static let bodies = [
        #"{"prompt":"hi \u00e9"}"#, #"{"prompt":"hi","options":{"num_predict":2,"temperature":0}}"#,
        #"{"prompt":"hi","think":true}"#, #"{"system":"s","messages":[{"role":"user","content":"a"}],"prompt":"b"}"#,
        #"{"prompt":"hi","tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}"#,
        #"{"prompt":"hi","think":"high","format":"json","keep_alive":-1,"message":"Hello World"}"#,
    ]

    @Test(arguments: forms, [false, true])
    func `answer prompts in each form as Ollama does`(form: String, isStreamed: Bool) async throws {
        try await withBackends { loop, ollama in
            let port = ollama.port
            try await withBackends(settings: Self.only) { other, fixture in
                for body in Self.bodies {
                    let body = body.dropLast() + #","stream":\#(isStreamed)}"#
                    let expected = try await Self.post(body, form, to: port)
                    let answered = try await Self.post(body, form, to: fixture.port)
                    #expect(answered.status == expected.status && answered.isWhole)
                    #expect(answered["Content-Type"] == expected["Content-Type"])
                    #expect(Self.timeless(answered.text) == Self.timeless(expected.text))
                }
            }
        }
    }

    @Test(arguments: [
        ("/api/embed", #""input":"a""#), ("/api/embed", #""input":["a","b"],"dimensions":3"#),
        ("/api/embeddings", #""prompt":"a""#), ("/v1/embeddings", #""input":["a"]"#),
    ])
    func `embed texts as Ollama does`(path: String, input: String) async throws {
        let body = #"{"model":"m",\#(input)}"#
        try await withBackends(settings: { $0.apis = [.ollama, .openai] }) { loop, ollama in
            let port = ollama.port
            try await withBackends(settings: Self.only) { other, fixture in
                let expected = try await Self.post(body, "*/*", to: port, at: path)
                let answered = try await Self.post(body, "*/*", to: fixture.port, at: path)
                #expect(answered.status == 200 && answered["Content-Type"] == expected["Content-Type"])
                #expect(Self.timeless(answered.text) == Self.timeless(expected.text))
                let streamed = try await fixture.post(body.dropLast() + #","stream":true}"#, to: path)
                if path.hasPrefix("/api") { #expect(Self.timeless(streamed.text) == Self.timeless(answered.text)) }
                let missing = try await fixture.post(#"{"model":"m"}"#, to: path)
                #expect(missing.status == 200 || missing.status == 400)
            }
        }
    }

    private static func post(
        _ body: some StringProtocol, _ form: String, to port: UInt16, at path: String = "/"
    ) async throws -> RawResponse {
        let text = String(body)
        return try await offLoop {
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            try socket.send(postRequest(text, ["Accept: \(form)"], to: path))
            return try socket.response()
        }
    }

    @Test(arguments: ["/api/chat", "/api/generate"], [false, true])
    func `answer Ollama's clients as Ollama does`(path: String, isStreamed: Bool) async throws {
        try await withBackends(settings: { $0.apis = [.ollama] }) { loop, ollama in
            let port = ollama.port
            try await withBackends(settings: Self.only) { other, fixture in
                for options in [#""num_predict":3"#, #""seed":1"#] {
                    let asked =
                        path == "/api/chat" ? #""messages":[{"role":"user","content":"hi"}]"# : #""prompt":"hi""#
                    let body = #"{"model":"m",\#(asked),"options":{\#(options)},"stream":\#(isStreamed)}"#
                    let expected = try await Self.post(body, "*/*", to: port, at: path)
                    let answered = try await Self.post(body, "*/*", to: fixture.port, at: path)
                    #expect(answered.status == 200 && answered.isWhole)
                    #expect(answered["Content-Type"] == expected["Content-Type"])
                    // Ollama's context for the next request is tokens, which a client cannot make use of elsewhere.
                    let text = expected.text.replacing(/,"context":\[[^\]]*\]/, with: "")
                    #expect(Self.timeless(answered.text) == Self.timeless(text))
                }
            }
        }
    }

    @Test(arguments: [
        ("missing", 404), ("busy", 503), ("broken", 502), ("failing", 502), ("unfinished", 502), ("cut", 502),
        ("reset", 502), ("close", 502), ("garbage", 502), ("noise", 502),
    ])
    func `have each fault's status, and another name in its sentence`(fault: String, status: Int) async throws {
        try await withBackends(settings: Self.only) { loop, fixture in
            for body in [#"{"model":"fault:\#(fault)"}"#, #"{"model":"fault:\#(fault)","stream":true}"#] {
                let response = try await fixture.post(body)
                let mayHaveBegun = body.contains("stream") && response.status == 200 && !response.isWhole
                #expect(response.status == status || mayHaveBegun, "\(response.text)")
                #expect(!response.text.contains("Ollama") && !response.text.contains("127.0.0.1"), "\(response.text)")
            }
            let next = try await fixture.post(#"{"prompt":"next"}"#)
            #expect(next.text == answer(to: "next"))
        }
    }

    @Test func `get what is theirs as it is, and send it back so`() async throws {
        let server = try RawServer()
        let events = "data: {\"choices\":[]}\n\ndata: [DONE]\n\n"
        async let peers = server.play([
            { peer in
                let (head, body) = try peer.receiveRequest()
                #expect(head.hasPrefix("POST /openai/v1/responses HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"))
                #expect(head.contains("\r\nAuthorization: Bearer its\r\n") && !head.contains("mine"))
                #expect(String(decoding: body, as: UTF8.self) == #"{"model":"m","n":2}"#)
                try peer.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-A: b\r\nContent-Length: 2\r\n\r\n{}")
                let (second, _) = try peer.receiveRequest()
                #expect(second.hasPrefix("POST /openai/v1/chat/completions HTTP/1.1\r\n"))
                try peer.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: \(events.utf8.count)\r\n\r\n"
                        + events)
                peer.close()
            }
        ])
        try await withBackends(
            [],
            settings: {
                $0.openAIHosts = [try OpenAIBaseURL(parsing: "http://127.0.0.1:\(server.port)/openai/v1/")]
                $0.openAIKey = "its"
                $0.apis = [.openai]
            }
        ) { loop, fixture in
            let key = ["Authorization: Bearer mine"]
            let whole = try await fixture.post(#"{"model":"m","n":2}"#, key, to: "/v1/responses")
            #expect(whole.status == 200 && whole.text == "{}" && whole["X-A"] == "b")
            let streamed = try await fixture.post(#"{"model":"m","stream":true}"#, key, to: "/v1/chat/completions")
            #expect(streamed.isWhole && streamed.text == events)
        }
        _ = try await peers
    }

    @Test(arguments: ["/api/chat", "/api/generate"])
    func `end an answer that fails as Ollama does`(path: String) async throws {
        let server = try RawServer()
        let events =
            #"data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}"#
            + "\n\ndata: {\"error\":{\"message\":\"out of \\\"memory\\\"\"}}\n\n"
        async let peers = server.play([
            { peer in
                try peer.receiveRequest()
                try peer.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: \(events.utf8.count)\r\n\r\n"
                        + events)
                peer.close()
            }
        ])
        try await withBackends(
            [],
            settings: {
                $0.openAIHosts = [try OpenAIBaseURL(parsing: "http://127.0.0.1:\(server.port)")]
                $0.apis = [.ollama]
            }
        ) { loop, fixture in
            let asked = path == "/api/chat" ? #""messages":[{"role":"user","content":"hi"}]"# : #""prompt":"hi""#
            let failed = try await fixture.post(#"{"model":"m",\#(asked)}"#, to: path)
            #expect(failed.status == 200 && failed.isWhole)
            let lines = failed.text.split(separator: "\n")
            #expect(lines.count == 2 && lines.last == #"{"error":"out of \"memory\""}"#)
        }
        _ = try await peers
        try await withBackends(settings: Self.only) { loop, fixture in
            let asked = path == "/api/chat" ? #""messages":[{"role":"user","content":"hi"}]"# : #""prompt":"hi""#
            let cut = try await fixture.post(#"{"model":"fault:unfinished",\#(asked)}"#, to: path)
            #expect(cut.status == 200 && !cut.isWhole)
        }
    }

    // MARK: Beside Ollamas

    @Test func `are asked for the models that they have`() async throws {
        var (first, second) = (StandInSettings(), StandInSettings())
        (first.models, second.models) = (["a"], ["Org/B"])
        try await withBackends(
            [first, second],
            settings: {
                try Self.openAI(&$0)
                $0.checkInterval = .zero
                $0.apis = Set(API.allCases)
            }
        ) { loop, fixture in
            for (model, path) in [("a", "/"), ("Org/B", "/")] {
                for index in 0..<5 {
                    let response = try await fixture.post(#"{"prompt":"\#(index)","model":"\#(model)"}"#, to: path)
                    #expect(response.status == 200 && response.text == answer(to: "\(index)"))
                }
            }
            #expect(fixture.requests.reduce(0, +) <= 12)  // each was asked once at most for what it lacks
            let tags = try await fixture.get("/api/tags")
            #expect(tags.text.contains(#""name":"a""#) && tags.text.contains(#""name":"Org/B""#))
            let models = try await fixture.get("/v1/models")
            #expect(models.text.contains(#""id":"a""#) && models.text.contains(#""id":"Org/B""#))
            for name in ["a", "Org/B"] {
                let shown = try await fixture.post(#"{"model":"\#(name)"}"#, to: "/api/show")
                #expect(shown.status == 200 && shown.text.contains("capabilities"), "\(shown.text)")
            }
            #expect(try await fixture.post(#"{"model":"c"}"#, to: "/api/show").status == 404)
            #expect(try await fixture.get("/api/version").text.contains("stand-in"))
            #expect(try await fixture.get("/api/ps").status == 200)
        }
    }

    /// These servers compare names exactly, and Ollama's do not. One client's spelling must not take the model from others.
    @Test(arguments: [false, true])
    func `keep their models whatever spelling a client has asked for`(isListed: Bool) async throws {
        var (first, second) = (StandInSettings(), StandInSettings())
        (first.models, second.models) = (["a"], ["Org/B"])
        try await withBackends(
            [first, second],
            settings: {
                try Self.openAI(&$0)
                $0.checkInterval = isListed ? .milliseconds(20) : .zero
                $0.apis = Set(API.allCases)
            }
        ) { loop, fixture in
            if isListed {
                try await until("the lists are known", on: loop) { fixture.listings >= 4 }
            }
            for name in ["org/b", "Org/B:latest", "ORG/B"] {
                let other = try await fixture.post(#"{"model":"\#(name)","prompt":"hi"}"#)
                #expect(other.status == (isListed ? 200 : 404), "\(other.text)")
                let path = try await fixture.post(#"{"model":"\#(name)","input":"hi"}"#, to: "/v1/responses")
                #expect(path.status == 404)
                let exact = try await fixture.post(#"{"model":"Org/B","prompt":"hi"}"#)
                #expect(exact.status == 200, "\(exact.text)")
            }
        }
    }

    @Test func `have loaded what a client wants to have loaded`() async throws {
        var standIn = StandInSettings()
        standIn.models = ["m"]
        try await withBackends([standIn], settings: Self.only) { loop, fixture in
            let requests = [("/api/generate", #"{"model":"m"}"#), ("/api/chat", #"{"model":"m","messages":[]}"#)]
            for (path, body) in requests {
                let loaded = try await fixture.post(body, to: path)
                #expect(
                    loaded.status == 200 && loaded.isWhole
                        && loaded["Content-Type"] == "application/json; charset=utf-8")
                #expect(loaded.text.hasSuffix(#""done":true,"done_reason":"load"}"#), "\(loaded.text)")
                #expect(loaded.text.contains(path == "/api/chat" ? #""message":{"# : #""response":"""#))
                let missing = try await fixture.post(body.replacing("\"m\"", with: "\"x\""), to: path)
                #expect(missing.status == 404)
            }
            for isStreamed in [false, true] {
                let own = try await fixture.post(#"{"model":"m","messages":[],"stream":\#(isStreamed)}"#)
                #expect(own.status == 200 && own.text.isEmpty && own.isWhole)
            }
            let other = try await fixture.post(#"{"model":"M:latest"}"#, to: "/api/generate")
            #expect(other.status == 200 && other.text.contains(#""model":"m""#), "\(other.text)")
            #expect(try await fixture.post(#"{"model":"M:latest"}"#, to: "/api/show").status == 200)
            #expect(fixture.requests == [0])
        }
    }

    @Test func `are not said to lack a model while the one that has it is down`() async throws {
        var (first, second) = (StandInSettings(), StandInSettings())
        (first.models, second.models) = (["a"], ["b"])
        try await withBackends(
            [first, second],
            settings: {
                try Self.openAI(&$0)
                $0.checkInterval = .milliseconds(20)
            }
        ) { loop, fixture in
            try await until("the lists are known", on: loop) { fixture.listings >= 4 }
            #expect(try await fixture.post(#"{"model":"b"}"#).status == 200)
            await fixture.stop(1)
            let refused = try await fixture.post(#"{"model":"b"}"#)
            #expect([502, 503].contains(refused.status), "\(refused.text)")
            let later = try await fixture.post(#"{"model":"b"}"#)
            #expect(later.status == 503 && later.text.hasPrefix("The model server is unavailable"), "\(later.text)")
            #expect(try await fixture.post(#"{"model":"a"}"#).status == 200)
        }
    }

    @Test func `take over what an Ollama fails, and the other way round`() async throws {
        try await withBackends(
            [StandInSettings(), StandInSettings()],
            settings: {
                try Self.openAI(&$0)
                $0.checkInterval = .zero
                $0.apis = [.ollama]
            }
        ) { loop, fixture in
            for stopped in [0, 1] {
                await fixture.stop(stopped)
                for index in 0..<4 {
                    let response = try await fixture.post(#"{"prompt":"\#(index)"}"#)
                    #expect(response.status == 200 && response.text == answer(to: "\(index)"))
                    let chat = #"{"model":"m","messages":[{"role":"user","content":"\#(index)"}]}"#
                    #expect(try await fixture.post(chat, to: "/api/chat").status == 200)
                }
                try fixture.restart(stopped)
                try await until("it is used again, if it was found missing", on: loop) {
                    fixture.log.lines(with: "is unavailable").count
                        == fixture.log.lines(with: "is available again").count
                }
            }
        }
    }

    /// A translation that is not possible blames no server, and makes nothing wait.
    @Test func `leave what they have no words for to Ollamas, or refuse it by name`() async throws {
        let body = #"{"prompt":"hi","options":{"num_ctx":8192}}"#
        try await withBackends(settings: Self.only) { loop, fixture in
            let refused = try await fixture.post(body)
            #expect(refused.status == 400)
            #expect(refused.text.hasPrefix("Leave out \"options.num_ctx\": the server of this model has OpenAI's API"))
            #expect(fixture.requests == [0])
            #expect(try await fixture.post(#"{"prompt":"hi"}"#).status == 200)
        }
        try await withBackends(
            [StandInSettings(), StandInSettings()],
            settings: {
                try Self.openAI(&$0)
                $0.checkInterval = .zero
            }
        ) { loop, fixture in
            for _ in 0..<8 {
                let response = try await fixture.post(body)
                #expect(response.status == 200 && response.text == answer(to: "hi"))
            }
            #expect(fixture.requests == [8, 0])
            #expect(fixture.log.lines(with: "passed over").isEmpty)
        }
    }

    // MARK: Health

    @Test func `are not ready while they load their model`() async throws {
        let server = try RawServer()
        let models = #"{"object":"list","data":[{"id":"llama3.2:1b","object":"model"}]}"#
        async let peers = server.play([
            { peer in
                for health in ["503 Service Unavailable", "200 OK"] {
                    let (list, _) = try peer.receiveRequest()
                    #expect(list.hasPrefix("GET /v1/models HTTP/1.1\r\n") && list.contains("Bearer its"))
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(models.utf8.count)\r\n\r\n\(models)")
                    let (asked, _) = try peer.receiveRequest()
                    #expect(asked.hasPrefix("GET /health HTTP/1.1\r\n"))
                    try peer.send("HTTP/1.1 \(health)\r\nContent-Length: 0\r\n\r\n")
                }
                _ = try? peer.receiveEnd()
            }
        ])
        try await withBackends(
            [],
            settings: {
                $0.openAIHosts = [try OpenAIBaseURL(parsing: "http://127.0.0.1:\(server.port)")]
                $0.openAIKey = "its"
                $0.readiness = .loaded
                $0.checkInterval = .milliseconds(50)
            }
        ) { loop, fixture in
            try await until("it is not ready", on: loop) {
                fixture.function.ready() != .healthy && !"\(fixture.function.ready())".contains("not answered yet")
            }
            #expect("\(fixture.function.ready())".contains("No model server answers"))
            try await until("it is ready", on: loop) { fixture.function.ready() == .healthy }
        }
        _ = try await peers
    }

    // MARK: Limits

    @Test func `answer no more tokens than the operator allows`() async throws {
        try await withBackends(settings: {
            try Self.only(&$0)
            $0.protection.maxPredict = 3
        }) { loop, fixture in
            let answered = try await fixture.post(#"{"prompt":"hi"}"#, ["Accept: application/json"])
            #expect(answered.text.contains(#""eval_count":3"#) && answered.text.contains(#""done_reason":"length""#))
            let evading = try await fixture.post(#"{"prompt":"hi","max_tokens":9}"#)
            #expect(evading.status == 400 && evading.text.contains("max_tokens"))
            let chat = #"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":false}"#
            #expect(try await fixture.post(chat, to: "/api/chat").text.contains(#""eval_count":3"#))
            let twice = try await fixture.post(
                #"{"options":{"num_predict":2},"options":null}"#, ["Accept: application/json"])
            #expect(twice.text.contains(#""eval_count":3"#), "\(twice.text)")
            for name in ["n", "best_of", "n_cmpl", "n_predict", "max_new_tokens"] {
                let refused = try await fixture.post(
                    #"{"model":"m","messages":[],"\#(name)":9}"#, to: "/v1/chat/completions")
                #expect(refused.status == 403 && refused.text.contains(name))
            }
        }
    }

    @Test func `count the translation of a prompt in the budget`() async throws {
        let prompt = #"{"options":{"num_predict":1},"prompt":"\#(String(repeating: "x ", count: 450_000))"}"#
        for isOpenAI in [false, true] {
            try await withBackends(
                settings: {
                    $0.apis = [.openai]
                    if isOpenAI { try Self.openAI(&$0) }
                }, limits: { $0.bufferedBytes = 1_500_000 }
            ) { loop, fixture in
                let response = try await fixture.post(prompt)
                #expect(response.status == (isOpenAI ? 503 : 200))
                // What goes on as it is needs no more.
                let chat =
                    #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"\#(String(repeating: "x ", count: 450_000))"}]}"#
                #expect(try await fixture.post(chat, to: "/v1/chat/completions").status == 200)
                let small = try await fixture.post(#"{"prompt":"hi"}"#)
                #expect(small.text == answer(to: "hi"))
            }
        }
    }

    @Test(arguments: [false, true])
    func `end a prompt whose client leaves`(isStreamed: Bool) async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .seconds(600)
        try await withBackends([standIn], settings: Self.only) { loop, fixture in
            let body = #"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":\#(isStreamed)}"#
            for path in ["/", "/api/chat"] {
                let socket = try await fixture.open(
                    postRequest(path == "/" ? #"{"stream":\#(isStreamed)}"# : body, to: path))
                try await until("it is asked", on: loop) { fixture.active == 1 }
                socket.close()
                try await until("it has ended", on: loop) { fixture.active == 0 }
            }
            #expect(fixture.standIn.counts.aborted == 2)
        }
    }
}
