import EventLoop
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// What `/health/readiness` answers.
@Suite(.timeLimit(.minutes(1))) struct `Readiness` {
    private static let path = "/health/readiness"
    private static let interval = Duration.seconds(5)

    private static func meaning(
        _ readiness: PromptFunction.Readiness
    ) -> @Sendable (inout PromptFunction.Settings) throws -> Void {
        { ($0.readiness, $0.checkInterval) = (readiness, interval) }
    }

    /// Has the Ollamas checked until readiness answers `text`, twenty times at most, and checks its status.
    private static func wait(for text: String, _ fixture: MultiBackendFixture, on loop: isolated EventLoop) async throws
    {
        var response = try await fixture.get(path)
        for _ in 0..<20 where response.text != text {
            await loop.advance(by: interval)
            response = try await fixture.get(path)
        }
        #expect(response.text == text && response.status == (text == "Ready" ? 200 : 503))
    }

    @Test func `by default it means that the process serves, whatever Ollama does`() async throws {
        try await withBackends { loop, fixture in
            await fixture.stop(0)
            let failed = try await fixture.post("{}")
            #expect(failed.status == 502)
            let ready = try await fixture.get(Self.path)
            #expect(ready.status == 200 && ready.text == "Ready")
            #expect(fixture.listings == 0)
        }
    }

    @Test func `it can mean that an Ollama answers`() async throws {
        try await withBackends([.init(), .init()], clock: .manual, settings: Self.meaning(.backend)) { loop, fixture in
            try await Self.wait(for: "Ready", fixture, on: loop)
            await fixture.stop(0)
            try await Self.wait(for: "Ready", fixture, on: loop)
            await fixture.stop(1)
            try await Self.wait(for: "No Ollama answers: Ollama cannot be reached.", fixture, on: loop)
            try fixture.restart(0)
            try await Self.wait(for: "Ready", fixture, on: loop)
            #expect(fixture.requests == [0, 0])
        }
    }

    @Test func `it can mean that an Ollama has the default model`() async throws {
        var other = StandInSettings()
        other.models = ["other"]
        var right = StandInSettings()
        right.models = ["llama3.2:1b"]
        try await withBackends([other, other], clock: .manual, settings: Self.meaning(.model)) {
            [right] loop, fixture in
            try await Self.wait(for: "No Ollama has the model 'llama3.2:1b'", fixture, on: loop)
            await fixture.stop(1)
            try fixture.restart(1, right)
            try await Self.wait(for: "Ready", fixture, on: loop)
            await fixture.stop(1)
            try await Self.wait(for: "No Ollama has the model 'llama3.2:1b'", fixture, on: loop)
        }
    }

    @Test func `it can mean that the model is loaded, which it is not while it loads`() async throws {
        var standIn = StandInSettings()
        standIn.loadTime = .seconds(61)
        let missing = "No Ollama has the model 'llama3.2:1b' loaded"
        try await withBackends([standIn], clock: .manual, settings: Self.meaning(.loaded)) { loop, fixture in
            try await Self.wait(for: missing, fixture, on: loop)
            let socket = try await fixture.begin(["{}"], on: loop)[0]
            let loading = try await fixture.get(Self.path)
            #expect(loading.text == missing)
            try await passDeadline(.seconds(61), on: loop)
            let response = try await response(on: socket)
            #expect(response.status == 200)
            try await Self.wait(for: "Ready", fixture, on: loop)
        }
    }

    @Test func `asking for it asks no Ollama`() async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.readiness, $0.checkInterval) = (.loaded, .seconds(600))
        }
        try await withBackends([.init(), .init()], settings: change) { loop, fixture in
            try await until("each was checked once", on: loop) { fixture.listings == 4 }
            for _ in 0..<200 { _ = try await fixture.get(Self.path) }
            #expect(fixture.listings == 4 && fixture.requests == [0, 0])
        }
    }

    @Test func `it can end where too many prompts wait, and 1,000 that wait hold no health check up`() async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.maxInFlight, $0.readyQueue) = (1, 1000)
        }
        try await withBackends(settings: change) { loop, fixture in
            fixture.standIn.hold()
            let sockets = try await fixture.open(1000, posting: "{}")
            try await until("999 wait", on: loop) { fixture.function.waiting == 999 }
            let ready = try await fixture.get(Self.path)
            #expect(ready.text == "Ready")
            let last = try await fixture.begin(["{}"], on: loop)
            for _ in 0..<20 {
                let unready = try await fixture.get(Self.path)
                #expect(unready.status == 503 && unready.text == "1000 prompts are waiting")
                let alive = try await fixture.get("/health/liveness")
                #expect(alive.text == "Alive")
                let any = try await fixture.get("/")
                #expect(any.text == "OK")
            }
            for socket in sockets + last { socket.close() }
            try await until("none waits", on: loop) { fixture.function.waiting == 0 }
            let again = try await fixture.get(Self.path)
            #expect(again.text == "Ready")
        }
    }
}
