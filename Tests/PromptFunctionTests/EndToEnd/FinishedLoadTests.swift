import APIs
import EventLoop
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

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
