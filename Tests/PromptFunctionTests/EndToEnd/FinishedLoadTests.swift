import APIs
import EventLoop
import HTTPClient
import HTTPServer
import JSON
import Ollama
import StandIn
import TestSupport
import Testing

@testable import PromptFunction

/// Loads of models whose clients leave.
@Suite(.timeLimit(.minutes(1))) struct `Loads that outlive their clients` {
    private static let slow = {
        var standIn = StandInSettings()
        (standIn.loadTime, standIn.abortsLoads) = (.seconds(60), true)
        return standIn
    }()

    @Test(arguments: ["/", "/api/chat", "/v1/chat/completions"])
    func `are finished`(path: String) async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.finishesLoads, $0.apis) = (true, Set(API.allCases))
        }
        try await withBackends([Self.slow], clock: .manual, settings: change) { loop, fixture in
            let body = #"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#
            for _ in 0..<3 {  // each leaves before the model is loaded
                let socket = try await fixture.open(postRequest(body, to: path))
                try await until("it and the load are active", on: loop) { fixture.standIn.counts.active == 2 }
                socket.close()
                try await until("the load is active", on: loop) { fixture.standIn.counts.active == 1 }
            }
            let socket = try await fixture.open(postRequest(body, to: path))
            try await until("it and the load are active", on: loop) { fixture.standIn.counts.active == 2 }
            await loop.advance(by: .seconds(60))
            let answered = try await response(on: socket)
            #expect(answered.status == 200 && answered.isWhole)
            #expect(fixture.standIn.counts.loads == 1)
            socket.close()
        }
    }

    @Test func `are as many as the limit allows, until one has ended`() async throws {
        let most = LoadKeeper.capacity
        try await withBackends([Self.slow], clock: .manual, settings: { $0.finishesLoads = true }) { loop, fixture in
            var sockets: [RawSocket] = []
            for index in 0...most {
                sockets.append(try await fixture.open(postRequest("{\"model\":\"m\(index)\"}")))
                let expected = index + 1 + min(index + 1, most)
                try await until("\(expected) are active", on: loop) { fixture.standIn.counts.active == expected }
            }
            for socket in sockets { socket.close() }
            try await until("only the kept ones are active", on: loop) { fixture.standIn.counts.active == most }
            await loop.advance(by: .seconds(60))
            try await until("all have ended", on: loop) { fixture.standIn.counts.active == 0 }
            let socket = try await fixture.open(postRequest("{\"model\":\"m\(most)\"}"))
            try await until("it and its load are active", on: loop) { fixture.standIn.counts.active == 2 }
            socket.close()
            await loop.advance(by: .seconds(60))
        }
    }

    @Test func `hold nothing of the prompt`() async throws {
        try await withBackends([Self.slow], clock: .manual) { loop, fixture in
            let host = try OllamaHost.parse(fixture.addresses[0].description).0
            let work = WorkQueue(on: loop)
            let client = OllamaClient(host, apiKey: nil, deadlines: Deadlines(), work: work, on: loop)
            let backend = EngineBackend(host.url, client: client, maxInFlight: 0, isAdaptive: false)
            let loads = LoadKeeper(deadlines: Deadlines(), work: work, on: loop)
            var prompt: Prompt? = try Self.prompt(#"{"model":"m","messages":[]}"#)
            weak let seen = prompt
            if let prompt { loads.keep(prompt, on: backend) }
            prompt = nil
            try await until("the load is active", on: loop) { fixture.standIn.counts.active == 1 }
            try await until("the prompt is freed", on: loop) { seen == nil }
            await loads.stop()
        }
    }

    @Test func `are not begun with options of any size`() throws {
        let longest = String(repeating: "a", count: Prompt.maxLoadRequest)
        let options = { (text: String) in "{\"model\":\"m\",\"messages\":[],\"options\":{\"stop\":[\"\(text)\"]}}" }
        #expect(try Self.prompt(options("a")).loadRequest != nil)
        #expect(try Self.prompt(options(longest)).loadRequest == nil)
        #expect(try Self.prompt("{\"model\":\"m\",\"messages\":[{\"content\":\"\(longest)\"}]}").loadRequest != nil)
    }

    private static func prompt(_ body: String) throws -> Prompt {
        let rules = try Prompt.Rules(
            defaultModel: JSONText("d"), models: ModelPolicy(), maxPromptBytes: 0, maxPredict: 0, coalesces: false,
            hasTenants: true)
        return try Prompt(passingOn: Array(body.utf8), to: .chat, rules)
    }

    @Test func `are aborted with them by default`() async throws {
        try await withBackends([Self.slow], clock: .manual) { loop, fixture in
            let socket = try await fixture.open(postRequest(#"{"model":"m"}"#))
            try await until("it is active", on: loop) { fixture.standIn.counts.active == 1 }
            socket.close()
            try await until("none is active", on: loop) { fixture.standIn.counts.active == 0 }
            #expect(fixture.standIn.counts.abortedLoads == 1 && fixture.standIn.counts.loads == 0)
        }
    }
}
