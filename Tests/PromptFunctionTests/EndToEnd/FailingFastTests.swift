import EventLoop
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

/// An Ollama that says it has the model loaded, and fails each chat at once. Belongs to the loop.
private final class FailingFast: Service {
    let response: Response
    private(set) var listings = 0
    private(set) var chats = 0

    init(_ response: Response) { self.response = response }

    func respond(to request: borrowing RequestHead) -> Response? {
        guard request.method == .get else { return nil }
        listings += 1
        return Response(.ok, .json, body: Array(#"{"models":[{"name":"llama3.2:1b","model":"llama3.2:1b"}]}"#.utf8))
    }

    func handle(_ request: Request, _ reply: consuming Reply) async {
        chats += 1
        reply.send(response)
    }
}

/// A host that fails fast has the fewest prompts in flight: that must not make it the host of choice.
@Suite(.timeLimit(.minutes(1))) struct `A host that fails fast` {
    private static func response(_ status: Int, _ body: String, retryAfter: Int? = nil) -> Response {
        Response(Status(status, "x"), .json, body: Array(body.utf8), retryAfter: retryAfter)
    }

    private static let compressed = {
        var compressed = response(200, "\u{1F}")
        compressed.fields = [HeaderField("Content-Encoding", "gzip")!]
        return compressed
    }()

    static let responses: [(name: String, response: Response)] = [
        ("429", response(429, #"{"error":"you have reached your weekly usage limit"}"#, retryAfter: 60)),
        ("401", response(401, #"{"error":"unauthorized"}"#)), ("403", response(403, "forbidden")),
        ("302", response(302, "")), ("500", response(500, #"{"error":"CUDA error"}"#)),
        ("502", response(502, "<html>")), ("408", response(408, "")), ("201", response(201, "{}")),
        ("206", response(206, "{}")), ("400 of a proxy", response(400, "<html>")), ("402", response(402, "")),
        ("404 of a proxy", response(404, "404 page not found")), ("405", response(405, "<html>")),
        ("410", response(410, #"{"error":"gone"}"#)), ("413 of a proxy", response(413, "<html>")),
        ("421", response(421, "")), ("451", response(451, "")),
        ("429 within 500", response(500, #"{"error":{"message":"rate limited","code":429}}"#)),
        ("401 within 502", response(502, #"{"error":{"message":"no key","code":401}}"#)),
        ("an empty body", response(200, "")), ("no end", response(200, #"{"message":{"content":""},"done":false}"#)),
        ("an error instead of an answer", response(200, #"{"error":"CUDA error"}"#)), ("gzip", compressed),
        ("garbage", response(200, "garbage")), ("no answer", response(200, "{}")),
        ("503", response(503, #"{"error":"server busy, please try again."}"#)),
    ]

    @Test(arguments: responses.indices, ["{}", #"{"stream":true}"#])
    func `loses no prompt that another host answers`(index: Int, body: String) async throws {
        try await onLoop(clock: .manual) { loop in
            let failing = FailingFast(Self.responses[index].response)
            let fixture = try MultiBackendFixture([StandInSettings()], services: [failing], on: loop) { _ in }
            try await fixture.function.start()
            try await until("both were checked", on: loop) { failing.listings >= 2 && fixture.listings >= 2 }
            for _ in 0..<30 {
                let response = try await fixture.post(body)
                #expect(response.status == 200 && response.text.hasSuffix("You asked: Who are you?"))
            }
            #expect(fixture.requests == [30])
            #expect(failing.chats <= 1)  // the clock stands still, so that no pause ends
            #expect(fixture.log.lines(with: "ollama is passed over for the model").count == failing.chats)
            await fixture.function.stop()
        }
    }

    @Test func `is asked again after a pause, by one prompt`() async throws {
        try await onLoop(clock: .manual) { loop in
            let failing = FailingFast(Self.response(500, #"{"error":"CUDA error"}"#))
            let fixture = try MultiBackendFixture([StandInSettings()], services: [failing], on: loop) { settings in
                settings.checkInterval = .zero
            }
            for _ in 0..<5 {
                for index in 0..<5 {
                    let response = try await fixture.post(#"{"prompt":"\#(index)"}"#)
                    #expect(response.status == 200)
                }
                await loop.advance(by: .seconds(60))
            }
            #expect(failing.chats <= 5)
            await fixture.function.stop()
        }
    }

    @Test func `tells its words if there is no other`() async throws {
        try await onLoop { loop in
            let failing = FailingFast(Self.response(500, #"{"error":"CUDA error"}"#))
            let fixture = try MultiBackendFixture([], services: [failing], on: loop) { _ in }
            for _ in 0..<10 {
                let response = try await fixture.post("{}")
                #expect(response.status == 502)
            }
            #expect(failing.chats == 10)
            await fixture.function.stop()
        }
    }
}
