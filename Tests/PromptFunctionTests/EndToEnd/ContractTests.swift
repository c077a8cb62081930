import EventLoop
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

/// What the function does with a prompt.
@Suite(.timeLimit(.minutes(1))) struct `Prompts` {
    @Test func `a prompt is answered as text`() async throws {
        try await withBackends { _, fixture in
            let response = try await fixture.post(#"{"prompt":"How to cook eggs properly?","model":"llama3.2:3b"}"#)
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/plain; charset=utf-8")
            #expect(response["Content-Length"] == "\(response.body.count)")
            #expect(response.text == answer(to: "How to cook eggs properly?"))
        }
    }

    @Test(arguments: [
        ("{}", "Who are you?"), (#"{"message":"Hello World"}"#, "Who are you?"), (#"{"prompt":null}"#, "Who are you?"),
        (#"{"prompt":""}"#, ""), (#"{"prompt":"a\u0000\ud83d\ude00\n\"\\<&>é"}"#, "a\0😀\n\"\\<&>é"),
        (" {\"model\" : \"x\", \"prompt\" : \"spaced\"} \n", "spaced"),
        (#"{"prompt":"x","options":{"a":[1,2,{"b":null}]},"unknown":1e400}"#, "x"),
    ])
    func `what is absent gets its default`(body: String, prompt: String) async throws {
        try await withBackends { _, fixture in
            let response = try await fixture.post(body)
            #expect(response.status == 200)
            #expect(response.text == answer(to: prompt))
        }
    }

    @Test func `the default model can be set`() async throws {
        var standIn = StandInSettings()
        standIn.models = ["mine:1b"]
        try await withBackends([standIn], settings: { $0.model = "mine:1b" }) { _, fixture in
            let mine = try await fixture.post("{}")
            #expect(mine.status == 200)
            let other = try await fixture.post(#"{"model":"llama3.2:1b"}"#)
            #expect(other.status == 404)
            #expect(other.text.contains("ollama pull llama3.2:1b"))
        }
    }

    @Test func `a long prompt and a long answer go through whole`() async throws {
        let prompt = (0..<20_000).map { "word\($0) é" }.joined(separator: " ")
        try await withBackends { _, fixture in
            let response = try await fixture.post(#"{"prompt":"\#(prompt)"}"#)
            #expect(response.status == 200)
            #expect(response.text == answer(to: prompt))
        }
    }

    @Test(arguments: [
        ("[]", "Send a JSON object"), ("", "Send a JSON object"), ("{", "Send a JSON object"),
        ("null", "Send a JSON object"), ("\"x\"", "Send a JSON object"), ("{}x", "Send a JSON object"),
        (#"{"prompt":5}"#, "\"prompt\" as a string"), (#"{"prompt":["x"]}"#, "\"prompt\" as a string"),
        (#"{"model":true}"#, "\"model\" as a string"), (#"{"prompt":"\ud800"}"#, "Send a JSON object"),
        ("{\"prompt\":\"\u{1}\"}", "Send a JSON object"),
    ])
    func `what is no prompt is answered 400`(body: String, sentence: String) async throws {
        try await withBackends { _, fixture in
            let response = try await fixture.post(body)
            #expect(response.status == 400)
            #expect(response.text.contains(sentence), "\(response.text)")
            let json = try await fixture.post(body, ["Accept: application/json"])
            #expect(json.status == 400)
            #expect(json["Content-Type"] == "application/json; charset=utf-8")
            #expect(json.text.hasPrefix("{\"error\":\""))
            #expect(fixture.standIn.counts.requests == 0)
        }
    }

    @Test func `beyond the limit of prompts, without a queue, the answer is 503`() async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .seconds(600)
        try await withBackends([standIn], settings: { ($0.maxInFlight, $0.maxQueue) = (2, 0) }) { loop, fixture in
            let waiting = try await fixture.open(2, posting: "{}")
            try await until("two prompts are in flight", on: loop) { fixture.standIn.counts.active == 2 }
            let response = try await fixture.post("{}")
            #expect(response.status == 503)
            #expect(response["Retry-After"] == "5")
            let ready = try await fixture.get("/health/readiness")
            #expect(ready.text == "Ready")
            for socket in waiting { socket.close() }
            try await until("both have left", on: loop) { fixture.standIn.counts.active == 0 }
            #expect(fixture.standIn.counts.aborted == 2)
        }
    }

    @Test func `readiness is 503 once the server drains`() async throws {
        try await withBackends { loop, fixture in
            let ready = try await fixture.get("/health/readiness")
            #expect(ready.status == 200)
            let port = fixture.port
            let socket = try await offLoop {
                let socket = try RawSocket(port: port)
                // A request that has begun keeps its connection while the server drains.
                try socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /health/readiness HTTP/1.1\r\nHost: a\r\n")
                _ = try socket.response()
                return socket
            }
            let draining = fixture.beginDraining(on: loop)
            try await until("the server drains", on: loop) { fixture.server.isDraining }
            let response = try await offLoop {
                try socket.send("\r\n")
                return try socket.response()
            }
            #expect(response.status == 503)
            #expect(response["Connection"] == "close")
            let unfinished = await draining.value
            #expect(unfinished == 0)
        }
    }
}
