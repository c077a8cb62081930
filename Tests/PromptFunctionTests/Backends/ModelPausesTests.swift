import EventLoop
@testable import PromptFunction
import Testing

/// For how long other hosts are asked for a model that a host has failed.
@Suite struct `Pauses of models` {
    static let model = ModelName("a")

    private func at(_ seconds: Double) -> LoopInstant { LoopInstant(nanoseconds: Int64(seconds * 1e9)) }

    @Test func `grow with each failure, and end with an answer`() {
        var pauses = ModelPauses()
        var now = 10.0
        for pause in [1.0, 2, 4, 8, 16, 32, 32] {
            #expect(!pauses.isPaused(Self.model, at: at(now)))
            pauses.sent(Self.model, at: at(now))
            _ = pauses.failed(Self.model, began: at(now), retryAfter: nil, at: at(now + 0.5))
            #expect(pauses.isPaused(Self.model, at: at(now + 0.5 + pause - 0.01)))
            #expect(!pauses.isPaused(ModelName("b"), at: at(now + 0.5)))
            now += 0.5 + pause
        }
        pauses.sent(Self.model, at: at(now))
        _ = pauses.answered(Self.model)
        _ = pauses.failed(Self.model, began: at(now + 1), retryAfter: nil, at: at(now + 1))
        #expect(!pauses.isPaused(Self.model, at: at(now + 2)))
    }

    @Test func `let one prompt try after a pause`() {
        var pauses = ModelPauses()
        _ = pauses.failed(Self.model, began: at(1), retryAfter: nil, at: at(1))
        #expect(!pauses.isPaused(Self.model, at: at(2)))
        pauses.sent(Self.model, at: at(2))
        #expect(pauses.isPaused(Self.model, at: at(2.99)) && !pauses.isPaused(Self.model, at: at(3)))
        pauses.inconclusive(Self.model, began: at(0))  // not that one
        #expect(pauses.isPaused(Self.model, at: at(2.5)))
        pauses.inconclusive(Self.model, began: at(2))
        #expect(!pauses.isPaused(Self.model, at: at(2)))
    }

    @Test func `end when the prompt that tries the host begins to be answered, or let another one try`() {
        var pauses = ModelPauses()
        _ = pauses.failed(Self.model, began: at(1), retryAfter: nil, at: at(1))
        _ = pauses.failed(Self.model, began: at(2), retryAfter: nil, at: at(2))
        pauses.sent(Self.model, at: at(4))  // and gets no answer for long
        #expect(pauses.isPaused(Self.model, at: at(5.9)))
        pauses.sent(Self.model, at: at(6))
        #expect(pauses.isPaused(Self.model, at: at(7.9)))
        let isOver = pauses.answered(Self.model)
        #expect(isOver && !pauses.isPaused(Self.model, at: at(7)))
    }

    @Test func `count prompts that were sent together once`() {
        var pauses = ModelPauses()
        for _ in 0..<100 { _ = pauses.failed(Self.model, began: at(1), retryAfter: nil, at: at(2)) }
        #expect(!pauses.isPaused(Self.model, at: at(3)))
    }

    @Test(arguments: [(5, 5.0), (0, 1), (-1, 1), (1_000_000, 600)])
    func `last as long as the host asks, to a limit`(retryAfter: Int, seconds: Double) {
        var pauses = ModelPauses()
        _ = pauses.failed(Self.model, began: at(1), retryAfter: retryAfter, at: at(1))
        #expect(pauses.isPaused(Self.model, at: at(1 + seconds - 0.01)))
        #expect(!pauses.isPaused(Self.model, at: at(1 + seconds)))
    }

    @Test func `are bounded in number`() {
        var pauses = ModelPauses()
        for number in 0..<1000 {
            _ = pauses.failed(ModelName("m\(number)"), began: at(1), retryAfter: nil, at: at(1))
        }
        #expect((0..<1000).count { pauses.isPaused(ModelName("m\($0)"), at: at(1)) } == ModelPauses.capacity)
    }
}
