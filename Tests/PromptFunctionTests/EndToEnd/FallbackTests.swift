import APIs
import EventLoop
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Models that are asked in place of others.
@Suite(.timeLimit(.minutes(1))) struct `Models in place of others` {
    @Sendable private static func settings(_ settings: inout PromptFunction.Settings) throws {
        settings.fallbacks = try Fallbacks(
            "big=middle, middle=small,fault:busy=small,fault:broken=small,fault:reset=small,fault:missing=fault:broken")
        settings.apis = Set(API.allCases)
        settings.checkInterval = .zero
    }

    private static let small = {
        var settings = StandInSettings()
        settings.models = ["small", "other"]
        return settings
    }()

    @Test(arguments: ["big", "Middle:latest", "fault:broken", "fault:reset"], [false, true])
    func `answer when no host can serve a model`(model: String, isStreamed: Bool) async throws {
        try await withBackends([Self.small, Self.small], settings: Self.settings) { loop, fixture in
            if isStreamed && model == "fault:reset" { return }  // a part of an answer has come
            let body = #"{"prompt":"hi","model":"\#(model)","stream":\#(isStreamed)}"#
            let answered = try await fixture.post(body)
            #expect(answered.status == 200 && answered.text == answer(to: "hi") && answered.isWhole)
            #expect(answered["X-Promptd-Model"] == "small")
            if model == "fault:reset" { return }  // a whole answer is passed on as it comes
            let chat = #"{"model":"\#(model)","stream":\#(isStreamed),"messages":[{"role":"user","content":"hi"}]}"#
            let passed = try await fixture.post(chat, to: "/api/chat")
            #expect(passed.status == 200 && passed.isWhole && passed["X-Promptd-Model"] == "small")
            #expect(passed.text.contains(#""model":"small""#) && !passed.text.contains("error"))
        }
    }

    @Test func `are not asked after a part of an answer, or if the prompt is to blame`() async throws {
        try await withBackends([Self.small], settings: Self.settings) { loop, fixture in
            let cut = try await fixture.post(#"{"model":"fault:reset","stream":true}"#)
            #expect(!cut.isWhole && cut["X-Promptd-Model"] == "fault:reset")
            let bad = try await fixture.post(#"{"model":"big","think":1}"#)
            #expect(bad.status == 400)
            #expect(fixture.requests == [1])
        }
    }

    @Test func `end with the last one's reason`() async throws {
        try await withBackends([Self.small], settings: Self.settings) { loop, fixture in
            let failed = try await fixture.post(#"{"model":"fault:missing","prompt":"hi"}"#)
            #expect(failed.status == 200 && failed["X-Promptd-Model"] == "small")
            let unknown = try await fixture.post(#"{"model":"unknown"}"#)
            #expect(unknown.status == 404 && unknown["X-Promptd-Model"] == nil)
            let other = try await fixture.post(#"{"model":"other"}"#)
            #expect(other.status == 200 && other["X-Promptd-Model"] == nil)
            await fixture.stop(0)
            let down = try await fixture.post(#"{"model":"big"}"#)
            #expect(down.status == 502 || down.status == 503)
            #expect(down["X-Promptd-Model"] == "small")
        }
    }

    @Test(arguments: ["a", "a=", "=b", "a=b c", "a=b,a=c", "a=a", "a=b,b=a", "a=b,b=c,c=a:latest"])
    func `that make no sense are refused`(list: String) {
        #expect(throws: ProtectionError.self) { try Fallbacks(list) }
    }

    @Test func `may share their ends`() throws {
        #expect(!(try Fallbacks(" a = c , b=c,c=d")).isEmpty)
        #expect(try Fallbacks("").isEmpty)
    }
}
