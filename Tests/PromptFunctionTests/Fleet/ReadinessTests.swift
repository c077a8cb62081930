import EventLoop
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// What `/health/readiness` answers.
@Suite(.timeLimit(.minutes(1))) struct `Readiness` {
    private static let path = "/health/readiness"

    private static func meaning(
        _ readiness: PromptFunction.Readiness
    ) -> @Sendable (inout PromptFunction.Settings) throws -> Void {
        { ($0.readiness, $0.checkInterval) = (readiness, .milliseconds(10)) }
    }

    /// Waits until readiness answers `text`, and checks its status.
    private static func wait(for text: String, _ fleet: Fleet, on loop: isolated EventLoop) async throws {
        let start = ContinuousClock.now
        while true {
            let response = try await fleet.get(path)
            if response.text == text {
                #expect(response.status == (text == "Ready" ? 200 : 503))
                return
            }
            guard ContinuousClock.now - start < .seconds(10) else { throw TimedOut("\(text), not \(response.text)") }
            await loop.sleep(for: .milliseconds(5))
        }
    }

    @Test func `by default it means that the process serves, whatever Ollama does`() async throws {
        try await withFleet { loop, fleet in
            await fleet.stop(0)
            let failed = try await fleet.post("{}")
            #expect(failed.status == 502)
            let ready = try await fleet.get(Self.path)
            #expect(ready.status == 200 && ready.text == "Ready")
            #expect(fleet.listings == 0)
        }
    }

    @Test func `it can mean that an Ollama answers`() async throws {
        try await withFleet([.init(), .init()], settings: Self.meaning(.backend)) { loop, fleet in
            try await Self.wait(for: "Ready", fleet, on: loop)
            await fleet.stop(0)
            try await Self.wait(for: "Ready", fleet, on: loop)
            await fleet.stop(1)
            try await Self.wait(for: "No Ollama answers: Ollama cannot be reached.", fleet, on: loop)
            try fleet.restart(0)
            try await Self.wait(for: "Ready", fleet, on: loop)
            #expect(fleet.requests == [0, 0])
        }
    }

    @Test func `it can mean that an Ollama has the default model`() async throws {
        var other = StandInSettings()
        other.models = ["other"]
        var right = StandInSettings()
        right.models = ["llama3.2:1b"]
        try await withFleet([other, other], settings: Self.meaning(.model)) { [right] loop, fleet in
            try await Self.wait(for: "No Ollama has the model 'llama3.2:1b'", fleet, on: loop)
            await fleet.stop(1)
            try fleet.restart(1, right)
            try await Self.wait(for: "Ready", fleet, on: loop)
            await fleet.stop(1)
            try await Self.wait(for: "No Ollama has the model 'llama3.2:1b'", fleet, on: loop)
        }
    }

    @Test func `it can mean that the model is loaded, which it is not while it loads`() async throws {
        var standIn = StandInSettings()
        standIn.loadTime = .milliseconds(400)
        let missing = "No Ollama has the model 'llama3.2:1b' loaded"
        try await withFleet([standIn], settings: Self.meaning(.loaded)) { loop, fleet in
            try await Self.wait(for: missing, fleet, on: loop)
            let socket = try await fleet.begin(["{}"], on: loop)[0]
            let loading = try await fleet.get(Self.path)
            #expect(loading.text == missing)
            let response = try await response(on: socket)
            #expect(response.status == 200)
            let ready = try await fleet.get(Self.path)
            #expect(ready.text == "Ready")
        }
    }

    @Test func `asking for it asks no Ollama`() async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.readiness, $0.checkInterval) = (.loaded, .seconds(600))
        }
        try await withFleet([.init(), .init()], settings: change) { loop, fleet in
            try await until("each was checked once", on: loop) { fleet.listings == 4 }
            for _ in 0..<200 { _ = try await fleet.get(Self.path) }
            #expect(fleet.listings == 4 && fleet.requests == [0, 0])
        }
    }

    @Test func `it can end where too many prompts wait, and 1,000 that wait hold no health check up`() async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.maxInFlight, $0.readyQueue) = (1, 1000)
        }
        try await withFleet(settings: change) { loop, fleet in
            fleet.standIns[0].hold()
            let port = fleet.port
            let sockets = try await offLoop {
                try (0..<1000).map { _ in
                    let socket = try RawSocket(port: port)
                    try socket.send(postRequest("{}"))
                    return socket
                }
            }
            try await until("999 wait", on: loop) { fleet.function.waiting == 999 }
            let ready = try await fleet.get(Self.path)
            #expect(ready.text == "Ready")
            let last = try await fleet.begin(["{}"], on: loop)
            for _ in 0..<20 {
                let unready = try await fleet.get(Self.path)
                #expect(unready.status == 503 && unready.text == "1000 prompts are waiting")
                let alive = try await fleet.get("/health/liveness")
                #expect(alive.text == "Alive")
                let any = try await fleet.get("/")
                #expect(any.text == "OK")
            }
            for socket in sockets + last { socket.close() }
            try await until("none waits", on: loop) { fleet.function.waiting == 0 }
            let again = try await fleet.get(Self.path)
            #expect(again.text == "Ready")
        }
    }
}
