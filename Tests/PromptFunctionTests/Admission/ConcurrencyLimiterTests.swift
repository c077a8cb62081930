import EventLoop
@testable import PromptFunction
import Testing

/// The limit that finds itself, mostly with a simulated Ollama.
@Suite(.timeLimit(.minutes(1))) struct `Adaptive limit` {
    private func expectGood(
        _ record: SimulatedOllama.Record, _ ollama: SimulatedOllama, band: ClosedRange<Int>, throughput: Double = 0.95,
        _ location: SourceLocation = #_sourceLocation
    ) {
        // The rest is for measuring the unloaded pace.
        #expect(record.share(band) >= 0.9, sourceLocation: location)
        #expect(record.throughput >= throughput * ollama.best, sourceLocation: location)
        #expect(record.slowdown <= 1.3, sourceLocation: location)
    }

    @Test(arguments: UInt64(1)...8)
    func `for an Ollama that runs 4 at a time it settles at 4 to 6`(seed: UInt64) {
        var ollama = SimulatedOllama(ConcurrencyLimiter(max: 256), parallel: 4, seed: seed)
        _ = ollama.run(500)
        expectGood(ollama.run(8_000), ollama, band: 4...6)
    }

    @Test(arguments: UInt64(1)...8)
    func `it follows to 8 at a time, and back to 4`(seed: UInt64) {
        var ollama = SimulatedOllama(ConcurrencyLimiter(max: 256), parallel: 4, seed: seed)
        _ = ollama.run(2_000)
        ollama.parallel = 8
        _ = ollama.run(1_500)
        expectGood(ollama.run(6_000), ollama, band: 7...10)
        ollama.parallel = 4
        _ = ollama.run(500)
        expectGood(ollama.run(6_000), ollama, band: 4...6)
    }

    @Test(arguments: [1, 2, 16])
    func `it finds other numbers too`(parallel: Int) {
        var ollama = SimulatedOllama(ConcurrencyLimiter(max: 256), parallel: parallel, seed: 1)
        _ = ollama.run(2_000)
        expectGood(ollama.run(8_000), ollama, band: parallel * 7 / 8...parallel + max(1, parallel / 8))
    }

    @Test(arguments: [4, 8])
    func `it finds the number about as well when no tokens are told`(parallel: Int) {
        var ollama = SimulatedOllama(ConcurrencyLimiter(max: 256), parallel: parallel, seed: 1)
        ollama.givesTokens = false
        _ = ollama.run(2_000)
        expectGood(ollama.run(8_000), ollama, band: parallel - 1...parallel * 3 / 2, throughput: 0.9)
    }

    @Test(arguments: [3.0, 1 / 3.0])
    func `a model that is slower or faster is not taken for a queue`(factor: Double) {
        var ollama = SimulatedOllama(ConcurrencyLimiter(max: 256), parallel: 8, seed: 2)
        _ = ollama.run(2_000)
        ollama.pace *= factor
        _ = ollama.run(2_500)
        expectGood(ollama.run(6_000), ollama, band: 7...10)
    }

    @Test func `it stays within the fixed limit`() {
        var ollama = SimulatedOllama(ConcurrencyLimiter(max: 6), parallel: 50, seed: 1)
        let record = ollama.run(4_000)
        #expect(record.limits.keys.max() == 6)
        #expect(record.throughput >= 0.95 * 6 / (0.2 + 210 * ollama.pace))
        #expect(ConcurrencyLimiter(max: 0, start: 0).limit == 1)
    }

    @Test func `it leaves a limit alone that holds nobody back`() {
        var ollama = SimulatedOllama(ConcurrencyLimiter(max: 256, start: 16), parallel: 8, seed: 1)
        ollama.callers = 12
        #expect(Set(ollama.run(4_000).limits.keys) == [16])
    }

    private func sample(failed: Bool, inFlight: Int) -> ConcurrencyLimiter.Sample {
        .init(latency: .seconds(1), tokens: 100, inFlight: inFlight, failed: failed)
    }

    @Test func `a failure takes a quarter off, all that were in flight take it off once, and one is left`() {
        var limit = ConcurrencyLimiter(max: 100, start: 40)
        limit.note(sample(failed: true, inFlight: 40))
        #expect(limit.limit == 30)
        for _ in 0..<39 { limit.note(sample(failed: true, inFlight: 40)) }
        #expect(limit.limit == 30)
        for _ in 0..<2_000 { limit.note(sample(failed: true, inFlight: limit.limit)) }
        #expect(limit.limit == 1)
    }

    @Test func `after failures it comes back`() {
        var ollama = SimulatedOllama(ConcurrencyLimiter(max: 256), parallel: 8, seed: 1)
        _ = ollama.run(2_000)
        for _ in 0..<200 { ollama.limit.note(sample(failed: true, inFlight: 8)) }
        #expect(ollama.limit.limit == 1)
        _ = ollama.run(1_500)
        expectGood(ollama.run(6_000), ollama, band: 7...10)
    }
}
