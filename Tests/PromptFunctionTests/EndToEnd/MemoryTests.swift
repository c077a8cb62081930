import EventLoop
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

/// An Ollama whose answers are long. Belongs to the loop.
private final class Verbose: Service {
    let length: Int

    init(_ length: Int) { self.length = length }

    func respond(to request: borrowing RequestHead) -> Response? { nil }

    func handle(_ request: Request, _ reply: consuming Reply) async {
        let body = request.takeBody().map { String(decoding: $0.copy(), as: UTF8.self) } ?? ""
        let text = String(repeating: "x", count: body.contains("short") ? 10 : length)
        let line = #"{"message":{"role":"assistant","content":"\#(text)"},"done":true}"# + "\n"
        reply.send(Response(.ok, .json, body: Array(line.utf8)))
    }
}

/// What prompts and their answers take of the budget of bytes.
@Suite(.timeLimit(.minutes(1))) struct `Memory of prompts` {
    private static func withVerbose(
        _ length: Int, bufferedBytes: Int,
        _ body: @Sendable (isolated EventLoop, MultiBackendFixture) async throws -> Void
    ) async throws {
        try await onLoop { loop in
            var limits = Limits()
            limits.bufferedBytes = bufferedBytes
            let fixture = try MultiBackendFixture([], services: [Verbose(length)], limits: limits, on: loop) { _ in }
            try await fixture.function.start()
            try await body(loop, fixture)
            try await until("nothing is left", on: loop) { fixture.server.bufferedBytes == 0 }
            await fixture.function.stop()
        }
    }

    @Test(arguments: ["{}", #"{"stream":true}"#], ["text/plain", "application/json"])
    func `an answer that finds no room is 503, and blames nobody else`(body: String, accept: String) async throws {
        try await Self.withVerbose(1_000_000, bufferedBytes: 500_000) { loop, fixture in
            for _ in 0..<6 {
                let response = try await fixture.post(body, ["Accept: \(accept)"])
                #expect(response.status == 503)
                #expect(response["Retry-After"] == "1")
                #expect(response.text.contains("Too much is being received at once: try again later."))
                #expect(try await fixture.post(#"{"prompt":"short"}"#).text == "xxxxxxxxxx")
            }
            #expect(fixture.retries == 0)
        }
    }

    @Test func `an answer that finds room is passed on whole`() async throws {
        try await Self.withVerbose(1_000_000, bufferedBytes: 3_000_000) { loop, fixture in
            for body in ["{}", #"{"stream":true}"#] {
                let response = try await fixture.post(body)
                #expect(response.status == 200 && response.body.count == 1_000_000)
            }
        }
    }

    @Test func `prompts count while they wait and while they are answered`() async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .seconds(3600)
        try await withBackends([standIn]) {
            $0.maxInFlight = 1
        } limits: {
            $0.bufferedBytes = 200_000
        } _: { loop, fixture in
            let body = #"{"prompt":"\#(String(repeating: "x", count: 50_000))"}"#
            var sockets: [RawSocket] = []
            for count in 1...3 {
                sockets += try await fixture.begin([body], on: loop)
                // A body counts until Dispatch has let go of it: before, the next one may find no room.
                try await until("only the requests to Ollama are held", on: loop) {
                    (count * 40_000..<count * 52_000).contains(fixture.server.bufferedBytes)
                }
            }
            let response = try await fixture.post(body)
            #expect(response.status == 503)
            #expect(response.text.hasPrefix("Too much is being received at once"))
            for socket in sockets { socket.reset() }
            try await until("nothing is held", on: loop) { fixture.server.bufferedBytes == 0 }
        }
    }
}
