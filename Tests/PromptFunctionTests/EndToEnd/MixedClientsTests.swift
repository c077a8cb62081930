import EventLoop
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Clients of every kind at once.
@Suite(.timeLimit(.minutes(2))) struct `Mixed clients` {
    /// What became of a prompt.
    private enum Outcome: Equatable {
        case answered, failed
        /// Given up by its client: an Ollama may have seen it, or not.
        case left
        /// Neither a right answer nor a proper error.
        case wrong(String)
    }

    /// Faults, and the statuses that they may lead to where nothing was sent yet.
    private static let faults: [(String, Set<Int>)] = [
        ("missing", [404]), ("broken", [502]), ("cut", [502]), ("close", [502]), ("garbage", [502]),
    ]

    @Test(.seeded, arguments: [1, 2, 3])
    func `whatever 500 clients do, nothing is lost and nothing is left`(run: UInt64) async throws {
        var standIn = StandInSettings()
        standIn.firstToken = .milliseconds(1)
        standIn.tokenInterval = .microseconds(100)
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.maxInFlight, $0.heartbeat, $0.checkInterval) = (4, .milliseconds(10), .milliseconds(50))
        }
        try await withBackends([standIn, standIn, standIn], settings: change) { loop, fixture in
            let port = fixture.port
            let random = SeededRandom.bytes(500 * 8, run)
            let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
                for client in 0..<500 {
                    let dice = Array(random[(client * 8)..<(client * 8 + 8)])
                    group.addTask { try await offLoop { try Self.play(client, dice, port) } }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try await until("nothing is under way", on: loop) {
                fixture.server.requestsInFlight == 0 && fixture.active == 0
            }
            #expect(fixture.function.waiting == 0 && fixture.function.inFlight == 0)
            let (answered, failed) = (outcomes.count { $0 == .answered }, outcomes.count { $0 == .failed })
            let left = outcomes.count { $0 == .left }
            let wrong = outcomes.filter { ![.answered, .failed, .left].contains($0) }
            #expect(wrong == [])
            #expect(answered > 150 && failed > 50 && left > 50, "\(answered) \(failed) \(left)")
            // 503 while the breakers were open reached nobody.
            let unasked = fixture.log.lines(with: "circuit breaker").count
            let asked = fixture.requests.reduce(0, +) - fixture.retries
            let told = answered + failed - unasked
            #expect(asked >= told && asked <= told + left, "\(asked) \(told) \(left)")
        }
    }

    /// One client: sends a prompt and reads the answer, or leaves before that. Returns how it ended.
    private static func play(
        _ client: Int, _ dice: [UInt8], _ port: UInt16
    ) throws -> Outcome {
        let socket = try RawSocket(port: port)
        defer { socket.close() }
        let streams = dice[0] % 2 == 0
        let fault = dice[1] % 4 == 0 ? faults[Int(dice[2]) % faults.count] : nil
        let form = ["text/plain", "application/x-ndjson", "text/event-stream"][Int(dice[3]) % 3]
        let model = fault.map { "fault:\($0.0)" } ?? "model\(dice[2] % 3)"
        try socket.send(
            postRequest(#"{"prompt":"\#(client)","model":"\#(model)","stream":\#(streams)}"#, ["Accept: " + form]))
        if dice[4] % 4 == 0 {
            _ = socket.isReadable(within: CInt(dice[5] % 100))  // leaves after a while, or at the first token
            switch dice[6] % 3 {
            case 0: socket.close()
            case 1: socket.reset()
            default:
                socket.shutdownWrite()
                _ = try? socket.receiveUntilEnd()
            }
            return .left
        }
        let response = try socket.response()
        let isAnswer = fault == nil && response.status == 200
        var isRight = response.status == 503
        if let fault {
            // Once a comment was sent the status is 200, and an event tells.
            let tells = form == "text/event-stream" ? response.text.contains("event: error") : true
            isRight = isRight || (response.status == 200 ? streams && tells : fault.1.contains(response.status))
        } else {
            isRight = isRight || (response.isWhole && has(answer(to: "\(client)"), response.text, form, streams))
        }
        guard isRight else {
            return .wrong("\(client) \(model) \(form) \(streams): \(response.status) \(response.text)")
        }
        return isAnswer ? .answered : .failed
    }

    /// Whether a body says `text`, in its form.
    private static func has(_ text: String, _ body: String, _ form: String, _ streams: Bool) -> Bool {
        switch (form, streams) {
        case ("application/x-ndjson", false): body.contains("\"content\":\"\(text)\"")
        case ("application/x-ndjson", true): body.contains("\"done\":true") && body.contains("stand-in")
        case ("text/event-stream", true):
            Streams.text(ofEvents: withoutComments(body)) == text && body.contains("event: done")
        default: body == text
        }
    }

    private static func withoutComments(_ body: String) -> String {
        body.replacing(/: waiting[^\n]*\n\n/, with: "")
    }
}
