import APIs
import EventLoop
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Requests of other APIs.
@Suite(.timeLimit(.minutes(1))) struct `Requests of other APIs` {
    private static let chat = #"{"model":"llama3.2:1b","messages":[{"role":"user","content":"hi"}]}"#

    @Sendable private static func serveAll(_ settings: inout PromptFunction.Settings) {
        settings.apis = Set(API.allCases)
    }

    @Sendable private static func mayChange(_ settings: inout PromptFunction.Settings) {
        serveAll(&settings)
        settings.allowsModelChanges = true
    }

    static let posts: [(path: String, api: API)] = [
        ("/api/generate", .ollama), ("/api/embed", .ollama), ("/api/embeddings", .ollama), ("/api/show", .ollama),
        ("/api/copy", .ollama), ("/api/pull", .ollama), ("/v1/chat/completions", .openai), ("/v1/completions", .openai),
        ("/v1/embeddings", .openai), ("/v1/responses", .openai), ("/v1/messages", .anthropic),
        ("/v1/messages/count_tokens", .anthropic),
    ]

    // MARK: Which are served

    @Test(arguments: posts)
    func `are told that they are not served, unless they are prompts`(path: String, api: API) async throws {
        try await withBackends(settings: { $0.apis = Set(API.allCases).subtracting([api]) }) { loop, fixture in
            let refused = try await fixture.post(#"{"model":"m"}"#, to: path + "?a=b")
            #expect(refused.status == 404)
            #expect(refused["Content-Type"] == "application/json; charset=utf-8")
            let sentence =
                "\(path) is not served here: start promptd with --apis \(api.rawValue), or send a \"prompt\"."
            #expect(refused.body == api.errorBody(status: 404, sentence))
            let answered = try await fixture.post(#"{"model":"m","prompt":"hi"}"#, to: path)
            #expect(answered.status == 200 && answered.text == answer(to: "hi"))
            let got = try await fixture.get(path)
            #expect(got.status == 200 && got.text == "OK")
        }
    }

    @Test func `change nothing on other paths`() async throws {
        try await withBackends(settings: Self.serveAll) { loop, fixture in
            for path in ["/", "/chat", "/api", "/api/chat/", "/v1/chat", "/api/nothing"] {
                let answered = try await fixture.post("{}", to: path)
                #expect(answered.status == 200 && answered.text == answer(to: "Who are you?"))
                let got = try await fixture.get(path)
                #expect(got.status == 200 && got.text == "OK")
            }
            let ready = try await fixture.get("/health/readiness")
            #expect(ready.text == "Ready")
        }
    }

    @Test func `need their method`() async throws {
        try await withBackends(settings: Self.serveAll) { loop, fixture in
            for (path, _) in Self.posts {
                let refused = try await fixture.get(path)
                #expect(refused.status == 405 && refused["Allow"] == "POST", "\(path)")
            }
            for path in ["/api/tags", "/api/ps", "/api/version", "/v1/models", "/v1/models/a"] {
                let refused = try await fixture.post("{}", to: path)
                #expect(refused.status == 405 && refused["Allow"] == "GET, HEAD", "\(path)")
            }
            for (method, path, status, allow, text) in [
                ("PUT", "/api/chat", 405, "POST", #"{"error":"Use POST."}"#),
                ("PUT", "/v1/models", 405, "GET, HEAD", "Use GET or HEAD."),
                ("PUT", "/", 405, "GET, HEAD, OPTIONS, POST", "Use GET, HEAD, OPTIONS or POST.\n"),
                ("OPTIONS", "/api/tags", 204, "GET, HEAD", ""), ("OPTIONS", "/", 204, "GET, HEAD, OPTIONS, POST", ""),
            ] {
                let socket = try await fixture.open(Array("\(method) \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
                defer { socket.close() }
                let reply = try await response(on: socket)
                #expect(reply.status == status && reply["Allow"] == allow, "\(method) \(path)")
                #expect(reply.text.contains(text), "\(method) \(path)")
            }
            #expect(fixture.requests == [0])
        }
    }

    @Test func `may not change what is installed`() async throws {
        try await withBackends(settings: Self.serveAll) { loop, fixture in
            let refused = try await fixture.post(#"{"model":"m"}"#, to: "/api/pull")
            #expect(refused.status == 403)
            #expect(
                refused.text == #"{"error":"Models are not changed here: start promptd with --allow-model-changes."}"#)
        }
    }

    @Test func `may change what is installed if the operator says so`() async throws {
        let server = try RawServer()
        let reply =
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1e\r\n{\"status\":\"pulling manifest\"}\n\r\n15\r\n{\"status\":\"success\"}\n\r\n0\r\n\r\n"
        async let peers = server.play([
            { peer in
                let (head, body) = try peer.receiveRequest()
                #expect(head.hasPrefix("POST /api/pull HTTP/1.1\r\n"))
                #expect(String(decoding: body, as: UTF8.self) == #"{"model":"m"}"#)
                try peer.send(reply)
                peer.close()
            }
        ])
        try await withBackends(
            [], hosts: ["127.0.0.1:\(server.port)"],
            settings: Self.mayChange
        ) { loop, fixture in
            let pulled = try await fixture.post(#"{"model":"m"}"#, to: "/api/pull")
            #expect(pulled.isWhole && pulled.text == "{\"status\":\"pulling manifest\"}\n{\"status\":\"success\"}\n")
        }
        _ = try await peers
    }

    private static func delete(_ path: String, _ fields: String = "", body: String = #"{"model":"m"}"#) -> [UInt8] {
        Array("DELETE \(path) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    }

    @Test func `delete a model if the operator says so`() async throws {
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                let (head, body) = try peer.receiveRequest()
                #expect(head.hasPrefix("DELETE /api/delete HTTP/1.1\r\n"))
                #expect(String(decoding: body, as: UTF8.self) == #"{"model":"m"}"#)
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                peer.close()
            }
        ])
        try await withBackends(
            [], hosts: ["127.0.0.1:\(server.port)"],
            settings: Self.mayChange, limits: { $0.acceptsDelete = true }
        ) { loop, fixture in
            // The next request on the connection is served too.
            let socket = try await fixture.open(
                Self.delete("/api/delete") + Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            let deleted = try await response(on: socket)
            #expect(deleted.status == 200 && deleted.body.isEmpty)
            #expect(try await response(on: socket).text == "OK")
            socket.close()
        }
        _ = try await peers
    }

    private static let blob = "/api/blobs/sha256:" + String(repeating: "0a", count: 32)

    private static func head(_ path: String) -> [UInt8] { Array("HEAD \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8) }

    @Test func `ask for a blob if the operator says so`() async throws {
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                // A response to HEAD has no body, whatever it says, so the next one follows at once.
                for status in ["404 Not Found", "200 OK"] {
                    let (head, _) = try peer.receiveRequest()
                    #expect(head.hasPrefix("HEAD \(Self.blob) HTTP/1.1\r\n"))
                    try peer.send("HTTP/1.1 \(status)\r\nContent-Length: 18\r\n\r\n")
                }
                peer.close()
            }
        ])
        try await withBackends(
            [], hosts: ["127.0.0.1:\(server.port)"],
            settings: Self.mayChange
        ) { loop, fixture in
            for status in [404, 200] {
                let socket = try await fixture.open(Self.head(Self.blob))
                let head = try await offLoop { try socket.receive(until: "\r\n\r\n") }
                #expect(head.hasPrefix("HTTP/1.1 \(status) "))
                socket.close()
            }
            let refused = try await fixture.get(Self.blob)
            #expect(refused.status == 405 && refused["Allow"] == "HEAD, POST")
        }
        _ = try await peers
    }

    @Test func `ask for no blob unless they may`() async throws {
        try await withBackends(settings: Self.serveAll) { loop, fixture in
            let socket = try await fixture.open(Self.head(Self.blob))
            let head = try await offLoop { try socket.receive(until: "\r\n\r\n") }
            #expect(head.hasPrefix("HTTP/1.1 403 "))
            socket.close()
            #expect(fixture.requests == [0])
        }
    }

    @Test func `delete nothing else, and nothing unless they may`() async throws {
        try await withBackends(
            settings: {
                Self.serveAll(&$0)
                $0.protection.keys = try APIKeys(list: "ant")
            }, limits: { ($0.acceptsDelete, $0.bodyBytes) = (true, 1000) }
        ) { loop, fixture in
            func send(_ text: [UInt8]) async throws -> RawResponse {
                let socket = try await fixture.open(text)
                defer { socket.close() }
                return try await response(on: socket)
            }
            let key = "X-API-Key: ant\r\n"
            let refused = try await send(Self.delete("/api/delete", key))
            #expect(refused.status == 403 && refused.text.contains("--allow-model-changes"))
            #expect(try await send(Self.delete("/api/delete")).status == 401)
            let posted = try await fixture.post(#"{"model":"m"}"#, ["X-API-Key: ant"], to: "/api/delete")
            #expect(posted.status == 405 && posted["Allow"] == "DELETE")
            #expect(try await fixture.get("/api/delete")["Allow"] == "DELETE")
            for path in ["/", "/health/liveness", "/api/nothing", "/api/delete/"] {
                for body in ["", "{}"] {
                    let other = try await send(Self.delete(path, body: body))
                    #expect(other.status == 405 && other["Allow"] == "GET, HEAD, OPTIONS, POST", "\(path)")
                    #expect(other.text == "Use GET, HEAD, OPTIONS or POST.\n")
                }
            }
            #expect(try await send(Self.delete("/api/chat", key))["Allow"] == "POST")
            #expect(try await send(Self.delete("/api/tags", key))["Allow"] == "GET, HEAD")
            #expect(try await send(Self.delete("http://a/api/delete", key)).status == 405)
            #expect(try await send(Self.delete("*", key)).status != 200)
            let long = try await send(Self.delete("/api/delete", key, body: String(repeating: "x", count: 1001)))
            #expect(long.status == 413 && long.text.hasPrefix("{"))
            #expect(fixture.requests == [0])
        }
    }

    @Test func `delete nothing where their API is not served`() async throws {
        try await withBackends { loop, fixture in
            let socket = try await fixture.open(Self.delete("/api/delete"))
            let refused = try await response(on: socket)
            #expect(refused.status == 405 && refused["Allow"] == "GET, HEAD, OPTIONS, POST")
            socket.close()
        }
    }

    // MARK: What holds for them

    @Test(arguments: [
        ("/api/chat", API.ollama), ("/v1/chat/completions", .openai), ("/v1/messages", .anthropic),
    ])
    func `need a key, and are told so in their API's form`(path: String, api: API) async throws {
        try await withBackends(settings: {
            Self.serveAll(&$0)
            $0.protection.keys = try APIKeys(list: "ant")
        }) { loop, fixture in
            let refused = try await fixture.post(Self.chat, to: path)
            #expect(refused.status == 401)
            let sentence = "Send a valid API key: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."
            #expect(refused.body == api.errorBody(status: 401, sentence))
            for key in ["x-api-key: ant", "authorization: Bearer ant"] {
                let answered = try await fixture.post(Self.chat, [key], to: path)
                #expect(answered.status != 401)
            }
            let list = try await fixture.get("/api/tags")
            #expect(list.status == 401)
            let listed = try await fixture.get("/api/tags", ["X-API-Key: ant"])
            #expect(listed.status == 200)
        }
    }

    @Test func `ask an alias's model, and no model that is not allowed`() async throws {
        try await withBackends(settings: {
            Self.serveAll(&$0)
            $0.protection.models = try ModelPolicy(allowed: "llama3.2:1b", aliases: "fast=llama3.2:1b")
            $0.protection.maxPredict = 3
        }) { loop, fixture in
            let whole = #"{"model":"fast","stream":false,"messages":[{"role":"user","content":"hi"}]}"#
            let answered = try await fixture.post(whole, to: "/api/chat")
            #expect(answered.text.contains(#""model":"llama3.2:1b""#))
            #expect(answered.text.contains(#""done_reason":"length""#) && answered.text.contains(#""eval_count":3"#))
            let refused = try await fixture.post(#"{"model":"other"}"#, to: "/api/chat")
            #expect(refused.status == 403)
            let tooMany = try await fixture.post(#"{"model":"fast","max_tokens":4}"#, to: "/v1/chat/completions")
            #expect(tooMany.status == 403 && tooMany.text.contains("Give max_tokens as a number from 0 to 3."))
            let list = try await fixture.get("/api/tags")
            #expect(list.text.contains(#""name":"fast""#) && list.text.contains(#""name":"llama3.2:1b""#))
            #expect(!list.text.contains("llama3.2:3b"))
        }
    }

    @Test(arguments: [
        ("{", "Send a JSON object. This one ends too early, after 1 bytes."), ("{}", "model is required"),
        ("", "missing request body"),
    ])
    func `get a sentence if their body makes no sense`(body: String, sentence: String) async throws {
        try await withBackends(settings: Self.serveAll) { loop, fixture in
            let refused = try await fixture.post(body, to: "/v1/messages")
            #expect(refused.status == 400)
            #expect(refused.body == API.anthropic.errorBody(status: 400, sentence))
        }
    }

    @Test func `are told in their API's form that the queue is full`() async throws {
        try await withBackends(settings: {
            Self.serveAll(&$0)
            ($0.maxInFlight, $0.maxQueue) = (1, 0)
        }) { loop, fixture in
            fixture.standIn.hold()
            let first = try await fixture.open(postRequest(Self.chat, to: "/api/chat"))
            try await until("it is asked", on: loop) { fixture.function.inFlight == 1 }
            let refused = try await fixture.post(Self.chat, to: "/v1/messages")
            #expect(refused.status == 503 && refused["Retry-After"] != nil)
            #expect(refused.text.contains(#""type":"overloaded_error""#))
            fixture.standIn.release()
            let answered = try await response(on: first)
            #expect(answered.status == 200 && answered.isWhole)
            first.close()
        }
    }

    @Test(arguments: [
        ("/api/chat", API.ollama), ("/v1/chat/completions", .openai), ("/v1/messages", .anthropic), ("/", nil),
    ])
    func `are told in their API's form that they are too long or too slow`(path: String, api: API?) async throws {
        let limit = Duration.seconds(7)
        try await withBackends(
            clock: .manual, settings: Self.serveAll,
            limits: {
                ($0.bodyBytes, $0.bodyTimeout) = (1000, limit)
            }
        ) { loop, fixture in
            func expect(_ status: Int, _ sentence: String, _ response: RawResponse) {
                #expect(response.status == status)
                #expect(response.body == api?.errorBody(status: status, sentence) ?? Array("\(sentence)\n".utf8))
            }
            let tooLong = "Send a body of at most 1000 bytes."
            expect(413, tooLong, try await fixture.post(String(repeating: "x", count: 1001), to: path))
            let head = "POST \(path) HTTP/1.1\r\nHost: a\r\n"
            let chunked = try await fixture.open(Array("\(head)Transfer-Encoding: chunked\r\n\r\n3e9\r\nx".utf8))
            expect(413, tooLong, try await response(on: chunked))
            let slow = try await fixture.open(Array("\(head)Content-Length: 9\r\n\r\n{".utf8))
            try await passDeadline(limit, on: loop)
            expect(408, "Send the request faster.", try await response(on: slow))
            // What was asked before on the same connection does not matter.
            let malformed = try await fixture.open(
                Array("\(head)Content-Length: 4\r\n\r\nnullGET / HTTP/1.1\r\nHost\r\n\r\n".utf8))
            _ = try await response(on: malformed)
            let rejected = try await response(on: malformed)
            #expect(rejected.status == 400 && rejected.text == "This is not a well-formed HTTP/1.1 request.\n")
            for socket in [chunked, slow, malformed] { socket.close() }
        }
    }

    @Test(arguments: [false, true])
    func `end upstream when their client leaves`(isStreamed: Bool) async throws {
        var standIn = StandInSettings()
        standIn.firstToken = isStreamed ? .zero : .seconds(600)
        standIn.tokenInterval = .seconds(600)
        try await withBackends([standIn], settings: Self.serveAll) { loop, fixture in
            let socket = try await fixture.open(postRequest(Self.chat, to: "/api/chat"))
            try await until("it is active upstream", on: loop) { fixture.standIn.counts.active == 1 }
            if isStreamed { _ = try await offLoop { try socket.receive(until: "\"done\":false}") } }
            socket.close()
            try await until("none is active upstream", on: loop) { fixture.standIn.counts.active == 0 }
            #expect(fixture.standIn.counts.aborted == 1)
        }
    }

    @Test func `go elsewhere when a host fails before the body`() async throws {
        let server = try RawServer()
        let ways: [@Sendable (RawPeer) throws -> Void] = [
            { peer in peer.reset() }, { peer in try peer.send("SSH-2.0-x\r\n") },
            { peer in try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n") },
            { peer in try peer.send("HTTP/1.1 500 X\r\nContent-Length: 15\r\n\r\n{\"error\":\"CUDA\"}") },
            { peer in try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"error\":\"CUDA\"}") },
            { peer in
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"er")
                try peer.send("ror\":\"CUDA\"}")
            },
            { peer in
                try peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: 0\r\n\r\n")
            }, { peer in try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") },
            { peer in try peer.send("HTTP/1.1 204 No Content\r\n\r\n") },
            { peer in try peer.send("HTTP/1.1 302 Found\r\nLocation: http://a/\r\nContent-Length: 0\r\n\r\n") },
        ]
        for way in ways {
            async let peers = server.play([
                { peer in
                    try peer.receiveRequest()
                    try way(peer)
                    peer.close()
                }
            ])
            try await withBackends(
                hosts: ["127.0.0.1:\(server.port)"],
                settings: {
                    Self.serveAll(&$0)
                    $0.checkInterval = .zero
                }
            ) { loop, fixture in
                let before = server.accepted
                var index = 0
                while server.accepted == before, index < 64 {
                    let messages = #"[{"role":"user","content":"\#(index)"}]"#
                    let body = #"{"model":"m\#(index)","stream":false,"messages":\#(messages)}"#
                    let answered = try await fixture.post(body, to: "/api/chat")
                    #expect(answered.status == 200 && answered.text.contains(answer(to: "\(index)")))
                    index += 1
                }
                #expect(server.accepted == before + 1 && fixture.retries == 1)
            }
            _ = try await peers
        }
    }

    @Test func `get the last host's own refusal if there is no other`() async throws {
        try await withBackends(
            [StandInSettings(), StandInSettings()],
            settings: {
                Self.serveAll(&$0)
                $0.checkInterval = .zero
            }
        ) { loop, fixture in
            let missing = try await fixture.post(#"{"model":"fault:missing"}"#, to: "/api/chat")
            #expect(missing.status == 404 && missing.text == #"{"error":"model 'fault:missing' not found"}"#)
            #expect(fixture.requests == [1, 1])
        }
    }

    /// Passes on one exchange with a host that answers `reply`.
    private func exchange(
        _ reply: String, _ fields: [String] = [], to path: String = "/api/chat", _ body: String = Self.chat,
        sees: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> RawResponse {
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                sees(try peer.receiveRequest().head)
                try peer.send(reply)
                peer.close()
            }
        ])
        let seen = Outcome()
        try await withBackends([], hosts: ["127.0.0.1:\(server.port)"], settings: Self.serveAll) { loop, fixture in
            let socket = try await fixture.open(postRequest(body, fields, to: path))
            defer { socket.close() }
            seen.response = try await offLoop {
                do {
                    return try socket.response()
                } catch {
                    return nil
                }
            }
        }
        _ = try await peers
        guard let response = seen.response else { throw RawSocket.Failure.malformed("no whole response") }
        return response
    }

    /// `@unchecked Sendable`: written before the exchange ends, and read after it.
    private final class Outcome: @unchecked Sendable { var response: RawResponse? }

    @Test func `are cut if a host does not send what its length says, even behind the end of an answer`() async throws {
        let reply =
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: 400\r\n\r\n{\"done\":true}\n"
        await #expect(throws: RawSocket.Failure.self) { try await exchange(reply) }
    }

    private static let completion = #"{"model":"m","messages":[{"role":"user","content":"a"}]"#
    private static let streamedCompletion = completion + #","stream":true}"#

    /// Streams whose type says nothing, and whole answers that end with the connection.
    static let untold: [(type: String, path: String, body: String, answer: String, isWhole: Bool)] = [
        ("X-A: b", "/api/chat", chat, "{\"done\":false}\n{\"done\":true}\n", true),
        ("X-A: b", "/api/chat", chat, "{\"done\":false}\n", false),
        ("Content-Type: text/plain", "/api/chat", chat, "{\"done\":true}\n", true),
        ("X-A: b", "/v1/chat/completions", streamedCompletion, "data: {}\n\ndata: [DONE]\n\n", true),
        ("Content-Type: text/plain", "/v1/chat/completions", streamedCompletion, "data: {\"a\":\"b\"}\n\n", false),
        ("X-A: b", "/v1/chat/completions", streamedCompletion, "\n\n: hello\n\ndata: [DONE]\n\n", true),
        ("X-A: b", "/v1/chat/completions", streamedCompletion, "{\"choices\":[]}", true),
        ("X-A: b", "/v1/chat/completions", streamedCompletion, "{\"choices\":[", false),
        ("Content-Type: application/json", "/v1/chat/completions", streamedCompletion, "{\"choices\":[]}", true),
        ("Content-Type: application/json", "/v1/chat/completions", completion + "}", "{\"choices\":[{}]}\n", true),
        ("Content-Type: application/json", "/v1/chat/completions", completion + "}", "{\"choices\":[{}]", false),
        (
            "Content-Type: application/json", "/v1/chat/completions", completion + "}",
            "{\"error\":null,\"choices\":[]}", true
        ),
    ]

    @Test(arguments: untold)
    func `are whole only if they end as answers do`(
        type: String, path: String, body: String, answer: String, isWhole: Bool
    ) async throws {
        let reply = "HTTP/1.1 200 OK\r\n\(type)\r\n\r\n\(answer)"  // the end of the connection ends it
        let passed = try await exchange(reply, to: path, body)
        #expect(passed.status == 200 && passed.isWhole == isWhole)
        if isWhole { #expect(passed.text == answer) }
    }

    @Test func `get a short beginning at once`() async throws {
        let server = try RawServer()
        try await withBackends([], hosts: ["127.0.0.1:\(server.port)"], settings: Self.serveAll) { loop, fixture in
            let socket = try await fixture.open(postRequest(Self.streamedCompletion, to: "/v1/chat/completions"))
            let peer = try await offLoop {
                let peer = try server.accept()
                try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hi\n\n")
                return peer
            }
            _ = try await offLoop { try socket.receive(until: ": hi\n\n") }
            socket.close()
            peer.close()
        }
    }

    @Test func `are refused if what comes in place of a stream is no answer`() async throws {
        for answer in ["<html></html>", "no answer here"] {
            let refused = try await exchange(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: \(answer.utf8.count)\r\n\r\n\(answer)",
                to: "/v1/chat/completions", Self.streamedCompletion)
            #expect(refused.status == 502)
        }
    }

    @Test func `go elsewhere if the first event is an error, or fail if there is no other`() async throws {
        let events = "data: {\"error\":{\"message\":\"first boom\"}}\n\n"
        let reply = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n\(events)"
        let alone = try await exchange(reply, to: "/v1/chat/completions", Self.streamedCompletion)
        #expect(alone.status == 502 && alone.text.contains("first boom"))
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                try peer.receiveRequest()
                try peer.send(reply)
                peer.close()
            }
        ])
        try await withBackends(
            hosts: ["127.0.0.1:\(server.port)"],
            settings: {
                Self.serveAll(&$0)
                $0.checkInterval = .zero
            }
        ) { loop, fixture in
            var index = 0
            while server.accepted == 0, index < 64 {
                let prompt =
                    #"{"model":"m\#(index)","stream":true,"messages":[{"role":"user","content":"\#(index)"}]}"#
                let answered = try await fixture.post(prompt, to: "/v1/chat/completions")
                #expect(answered.status == 200 && answered.isWhole && answered.text.contains("[DONE]"))
                index += 1
            }
            #expect(server.accepted == 1 && fixture.retries == 1)
            #expect(fixture.log.lines(with: "it reported an error").count == 1)
        }
        _ = try await peers
    }

    // MARK: Other paths

    @Test func `are told what is not served`() async throws {
        try await withBackends(settings: Self.serveAll) { loop, fixture in
            for (path, api) in [
                ("/v1/moderations", API.openai), ("/v1/files", .openai), ("/v1/responses/resp_1", .openai),
                ("/v1/messages/batches", .anthropic), ("/api/web_search", .ollama),
            ] {
                let body = String(
                    decoding: api.errorBody(status: 404, "promptd does not serve \(path)."), as: UTF8.self)
                let posted = try await fixture.post(#"{"prompt":"x"}"#, to: path)
                let got = try await fixture.get(path)
                #expect(posted.status == 404 && posted.text == body && got.status == 404 && got.text == body)
            }
            #expect(fixture.requests == [0])
        }
        try await withBackends { loop, fixture in  // all of it is promptd's own
            let posted = try await fixture.post(#"{"prompt":"x"}"#, to: "/v1/moderations")
            let got = try await fixture.get("/v1/files")
            #expect(posted.status == 200 && got.text == "OK")
        }
    }

    @Test func `may write names in a path in their way, and ask for details by an older name`() async throws {
        var standIn = StandInSettings()
        standIn.models = ["org/m:1", "plain"]
        try await withBackends(
            [standIn],
            settings: {
                Self.serveAll(&$0)
                $0.protection.models = try ModelPolicy(allowed: "org/m:1,plain", aliases: "fast=org/m:1")
            }
        ) { loop, fixture in
            for (name, status) in [
                ("org/m:1", 200), ("org%2Fm%3A1", 200), ("fast", 200), ("plain", 200), ("other", 403), ("oth%65r", 403),
                ("%zz", 403),
            ] {
                let got = try await fixture.get("/v1/models/\(name)")
                #expect(got.status == status, "\(name)")
            }
            for body in [#"{"name":"plain"}"#, #"{"name":"fast"}"#, #"{"model":"plain"}"#] {
                let shown = try await fixture.post(body, to: "/api/show")
                #expect(shown.status == 200, "\(body)")
            }
            let other = try await fixture.post(#"{"name":"other"}"#, to: "/api/show")
            #expect(other.status == 403)
        }
    }

    @Test func `get no redirect, and no cut list`() async throws {
        for reply in [
            "HTTP/1.1 302 X\r\nLocation: http://inside/\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n{\"models\":[{\"name\":\"n1\"",
        ] {
            let server = try RawServer()
            async let peers = server.play([
                { peer in
                    try peer.receiveRequest()
                    try peer.send(reply)
                    peer.close()
                }
            ])
            try await withBackends([], hosts: ["127.0.0.1:\(server.port)"], settings: Self.serveAll) { loop, fixture in
                let list = try await fixture.get("/api/tags")
                #expect(list.status == 502 && list["Location"] == nil)
                #expect(fixture.log.lines(with: "a list leaves out a host").count == 1)
            }
            _ = try await peers
        }
    }

    @Test func `are refused in promptd's words if the host's own are cut, or send elsewhere`() async throws {
        let cut = try await exchange("HTTP/1.1 429 X\r\nContent-Length: 100\r\n\r\n{\"error\":\"slow")
        #expect(cut.status == 429 && cut.text == #"{"error":"Ollama takes no more requests now."}"#)
        let moved = try await exchange("HTTP/1.1 302 X\r\nLocation: http://inside/\r\nContent-Length: 0\r\n\r\n")
        #expect(moved.status == 502 && moved["Location"] == nil)
        let empty = try await exchange("HTTP/1.1 204 X\r\n\r\n")
        #expect(empty.status == 502)
    }

    @Test func `do not pass on what the connection's field names`() async throws {
        let reply =
            "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Kept: 2\r\nContent-Length: 13\r\n\r\n{\"done\":true}"
        let fields = ["Connection: x-secret, keep-alive", "X-Secret: 1", "X-Kept: 2", "TE: trailers"]
        let response = try await exchange(reply, fields) { head in
            let head = head.lowercased()
            #expect(!head.contains("x-secret") && !head.contains("te:") && head.contains("x-kept: 2\r\n"))
        }
        #expect(response["X-Hop"] == nil && response["X-Kept"] == "2")
    }

    @Test func `get a 404 of a path in the host's words, which says nothing about its models`() async throws {
        try await withBackends(
            [StandInSettings(), StandInSettings()],
            settings: {
                Self.serveAll(&$0)
                $0.checkInterval = .zero
            }
        ) { loop, fixture in
            let missing = try await fixture.post(Self.chat, to: "/v1/messages/count_tokens")
            #expect(missing.status == 404 && missing.text == "404 page not found")
            #expect(fixture.log.lines(with: "ollama is passed over").allSatisfy { $0.contains("count_tokens") })
        }
    }

    // MARK: Slow readers

    @Test func `are paced by a client that reads slowly`() async throws {
        var standIn = StandInSettings()
        standIn.tokens = 200_000
        try await withBackends([standIn], settings: Self.serveAll) { loop, fixture in
            let socket = try await fixture.open(postRequest(Self.chat, to: "/api/chat"), receiveBuffer: 4096)
            try await until("it is active upstream", on: loop) { fixture.standIn.counts.active == 1 }
            let held = fixture.server.bufferedBytes
            #expect(held < 4 << 20)
            let answered = try await response(on: socket)
            #expect(answered.isWhole && answered.text.hasSuffix("}\n"))
            socket.close()
        }
    }

    // MARK: Lists

    @Test func `ask the hosts once for a list that many want`() async throws {
        let server = try RawServer()
        try await withBackends([], hosts: ["127.0.0.1:\(server.port)"], settings: Self.serveAll) { loop, fixture in
            var sockets: [RawSocket] = []
            for _ in 0..<50 {
                sockets.append(try await fixture.open(Array("GET /api/tags HTTP/1.1\r\nHost: a\r\n\r\n".utf8)))
            }
            try await until("all are asked", on: loop) { fixture.server.requestsInFlight == 50 }
            try await offLoop {
                let peer = try server.accept()
                try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"models\":[]}")
            }
            for socket in sockets {
                let list = try await response(on: socket)
                #expect(list.text == #"{"models":[]}"#)
                socket.close()
            }
            #expect(server.accepted == 1)
        }
    }

    @Test func `list the models of all hosts that answer`() async throws {
        var (first, second) = (StandInSettings(), StandInSettings())
        (first.models, second.models) = (["a", "both"], ["both", "c"])
        try await withBackends([first, second], settings: Self.serveAll) { loop, fixture in
            let all = try await fixture.get("/api/tags")
            let names = all.text.split(separator: "\"name\":\"").dropFirst().map { $0.prefix { $0 != "\"" } }
            #expect(names == ["a", "both", "c"])
            await fixture.stop(0)
            let rest = try await fixture.get("/api/tags")
            #expect(rest.status == 200 && !rest.text.contains(#""a""#) && rest.text.contains(#""c""#))
            let shown = try await fixture.post(#"{"model":"c"}"#, to: "/api/show")
            #expect(shown.status == 200)
            let unknown = try await fixture.post(#"{"model":"d"}"#, to: "/api/show")
            #expect(unknown.status == 404)
            await fixture.stop(1)
            let none = try await fixture.get("/api/tags")
            #expect(none.status == 502 || none.status == 503)
        }
    }
}
