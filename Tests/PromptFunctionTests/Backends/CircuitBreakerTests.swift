import EventLoop
import Glibc
import HTTPClient
import Ollama
@testable import PromptFunction
import TestSupport
import Testing

/// When a host gets no prompts.
@Suite struct `Circuit breaker` {
    /// What happens to a breaker, one second after the other.
    enum Event: Sendable {
        case success, failure, refusal, probeSuccess, probeFailure
        /// Of a chat that began before anything else.
        case oldSuccess, oldFailure
    }

    static let table: [([Event], CircuitBreaker.State)] = [
        ([], .closed),
        ([.failure, .failure], .closed),
        ([.failure, .failure, .failure], .open),
        ([.failure, .failure, .success, .failure, .failure], .closed),
        ([.failure, .success, .failure, .success, .failure, .success, .failure], .closed),
        ([.refusal], .open),
        ([.success, .refusal], .open),
        ([.refusal, .success], .open),
        ([.refusal, .oldSuccess], .open),
        ([.refusal, .probeFailure], .open),
        ([.refusal, .probeSuccess], .halfOpen),
        ([.refusal, .probeFailure, .probeSuccess], .halfOpen),
        ([.refusal, .probeSuccess, .success], .closed),
        ([.refusal, .probeSuccess, .failure], .open),
        ([.refusal, .probeSuccess, .oldFailure], .halfOpen),
        ([.refusal, .probeSuccess, .oldSuccess], .halfOpen),
        ([.refusal, .probeSuccess, .success, .oldFailure, .oldFailure, .oldFailure], .closed),
        ([.refusal, .probeSuccess, .success, .failure, .failure], .closed),
        ([.refusal, .probeSuccess, .success, .failure, .failure, .failure], .open),
        ([.refusal, .probeSuccess, .failure, .probeSuccess, .success], .closed),
        ([.probeSuccess], .closed),
        ([.probeFailure, .probeFailure, .probeFailure], .closed),
        ([.failure, .failure, .probeSuccess, .failure], .open),
    ]

    private static func apply(
        _ event: Event, _ breaker: inout CircuitBreaker, _ first: CircuitBreaker.Epoch, second: Int64
    ) {
        let now = LoopInstant(nanoseconds: second * 1_000_000_000)
        var random = SeededRandom(fixed: 1)
        let epoch = breaker.epoch
        switch event {
        case .success: breaker.chatSucceeded(epoch)
        case .failure: breaker.chatFailed(.deadline, epoch, at: now, jitter: .random(in: 0...1, using: &random))
        case .refusal: breaker.chatFailed(.refused, epoch, at: now, jitter: .random(in: 0...1, using: &random))
        case .oldSuccess: breaker.chatSucceeded(first)
        case .oldFailure: breaker.chatFailed(.deadline, first, at: now, jitter: .random(in: 0...1, using: &random))
        case .probeSuccess:
            breaker.probeBegan()
            breaker.probeSucceeded()
        case .probeFailure:
            breaker.probeBegan()
            breaker.probeFailed(at: now, jitter: .random(in: 0...1, using: &random))
        }
    }

    @Test(arguments: table)
    func `each row of events ends in its state`(events: [Event], state: CircuitBreaker.State) {
        var breaker = CircuitBreaker(threshold: 3)
        let first = breaker.epoch
        for (second, event) in events.enumerated() { Self.apply(event, &breaker, first, second: Int64(second)) }
        #expect(breaker.state == state)
        #expect(breaker.admits == (state != .open))
        #expect((breaker.nextProbe != nil) == (state == .open))
    }

    /// The seconds that a breaker which just opened waits for its next probe.
    private func wait(_ breaker: CircuitBreaker, from now: LoopInstant) throws -> Double {
        Double((try #require(breaker.nextProbe) - now).inNanoseconds) / 1e9
    }

    @Test(arguments: [false, true])
    func `waits double up to eight seconds, be it that probes fail or only chats`(probesSucceed: Bool) throws {
        var breaker = CircuitBreaker()
        var random = SeededRandom(fixed: 3)
        var now = LoopInstant(nanoseconds: 0)
        breaker.chatFailed(.refused, breaker.epoch, at: now, jitter: .random(in: 0...1, using: &random))
        for least in [1.0, 2, 4, 8, 8, 8] {
            let wait = try wait(breaker, from: now)
            #expect(wait >= least && wait <= least * 1.5)
            now = try #require(breaker.nextProbe)
            #expect(!breaker.probeIsDue(at: LoopInstant(nanoseconds: now.nanoseconds - 1)))
            #expect(breaker.probeIsDue(at: now))
            breaker.probeBegan()
            #expect(!breaker.probeIsDue(at: now))
            if probesSucceed {
                breaker.probeSucceeded()
                breaker.chatFailed(.deadline, breaker.epoch, at: now, jitter: .random(in: 0...1, using: &random))
            } else {
                breaker.probeFailed(at: now, jitter: .random(in: 0...1, using: &random))
            }
        }
        breaker.probeBegan()
        breaker.probeSucceeded()
        breaker.chatSucceeded(breaker.epoch)
        breaker.chatFailed(.refused, breaker.epoch, at: now, jitter: .random(in: 0...1, using: &random))
        #expect(try wait(breaker, from: now) <= 1.5)
    }

    @Test func `waits differ, so that many do not come back at once`() throws {
        var random = SeededRandom(fixed: 5)
        let now = LoopInstant(nanoseconds: 0)
        let waits = try (0..<100).map { _ in
            var breaker = CircuitBreaker()
            breaker.chatFailed(.refused, breaker.epoch, at: now, jitter: .random(in: 0...1, using: &random))
            return try wait(breaker, from: now)
        }
        #expect(waits.min()! < 1.1 && waits.max()! > 1.4)
    }

    @Test func `a hundred chats that fail late open it once`() throws {
        var breaker = CircuitBreaker(threshold: 3)
        var random = SeededRandom(fixed: 5)
        let epoch = breaker.epoch
        let now = LoopInstant(nanoseconds: 0)
        for _ in 0..<100 { breaker.chatFailed(.deadline, epoch, at: now, jitter: .random(in: 0...1, using: &random)) }
        #expect(try wait(breaker, from: now) <= 1.5)
    }

    static let blamed: [(OllamaError, CircuitBreaker.Failure?)] = [
        (.transport(.unreachable(errno: ECONNREFUSED)), .refused),
        (.transport(.unreachable(errno: EHOSTUNREACH)), .connection),
        (.transport(.closed(errno: 0, .nothing)), nil),
        (.transport(.timeout(.connect)), .connection), (.transport(.timeout(.firstByte)), .deadline),
        (.transport(.malformed("x", .head)), nil), (.transport(.cancelled), nil),
        (.transport(.tooLarge(limit: 1)), nil),
        (.refused(status: 500, message: "", retryAfter: nil), nil),
        (.refused(status: 503, message: "", retryAfter: nil), nil),
        (.refused(status: 404, message: "", retryAfter: nil), nil),
        (.refused(status: 400, message: "", retryAfter: nil), nil),
        (.malformedResponse, nil), (.failed(message: ""), nil), (.toolCalls, nil),
        (.refused(status: 500, message: "option \"x\" must be of type int", retryAfter: nil), nil), (.incomplete, nil),
    ]

    @Test(arguments: blamed)
    func `only what is the host's fault counts`(error: OllamaError, failure: CircuitBreaker.Failure?) {
        #expect(CircuitBreaker.Failure(error) == failure)
    }
}
