import EventLoop
import TestSupport
@testable import PromptFunction

/// An Ollama on a clock of its own: it runs `parallel` prompts at a time, the others wait in the order in which they
/// came. Many callers always have one more prompt, and `ConcurrencyLimiter` says how many of them may be with it.
struct SimulatedOllama {
    /// What happened in a span of time.
    struct Record {
        var finished = 0
        /// Seconds at Ollama, and the part of it that was not waiting.
        var latency = 0.0
        var service = 0.0
        /// Seconds spent at each limit.
        var limits: [Int: Double] = [:]

        var seconds: Double { limits.values.reduce(0, +) }
        var throughput: Double { Double(finished) / seconds }
        /// How much longer prompts took than on an idle Ollama.
        var slowdown: Double { latency / service }
        /// The share of the time at which the limit was in `band`.
        func share(_ band: ClosedRange<Int>) -> Double {
            limits.filter { band.contains($0.key) }.values.reduce(0, +) / seconds
        }
    }

    private struct Prompt {
        let sentAt: Double, service: Double, tokens: Int, inFlight: Int
        var endsAt = Double.infinity
    }

    var limit: ConcurrencyLimiter
    /// How many run at a time.
    var parallel: Int
    var callers = 200
    /// Seconds per token, on average.
    var pace = 0.02
    var givesTokens = true
    private var now = 0.0
    private var running: [Prompt] = []
    private var waiting: [Prompt] = []
    private var random: SeededRandom

    init(_ limit: ConcurrencyLimiter, parallel: Int, seed: UInt64) {
        self.limit = limit
        self.parallel = parallel
        random = SeededRandom(fixed: seed)
    }

    /// Runs until `count` more prompts have ended.
    mutating func run(_ count: Int) -> Record {
        var record = Record()
        while record.finished < count {
            while running.count + waiting.count < min(limit.limit, callers) { send() }
            while running.count < parallel, !waiting.isEmpty {
                var prompt = waiting.removeFirst()
                prompt.endsAt = now + prompt.service
                running.append(prompt)
            }
            let next = running.indices.min { running[$0].endsAt < running[$1].endsAt }!
            let prompt = running.remove(at: next)
            record.limits[limit.limit, default: 0] += prompt.endsAt - now
            now = prompt.endsAt
            end(prompt, &record)
        }
        return record
    }

    /// Prompts per second when as many run as can.
    var best: Double { Double(min(parallel, callers)) / (0.2 + 210 * pace) }

    private mutating func send() {
        let tokens = Int.random(in: 20...400, using: &random)
        let service = 0.2 + Double(tokens) * pace * Double.random(in: 0.8...1.2, using: &random)
        waiting.append(
            Prompt(sentAt: now, service: service, tokens: tokens, inFlight: running.count + waiting.count + 1))
    }

    private mutating func end(_ prompt: Prompt, _ record: inout Record) {
        let latency = now - prompt.sentAt
        record.finished += 1
        record.latency += latency
        record.service += prompt.service
        limit.note(
            .init(
                latency: .nanoseconds(Int64(latency * 1e9)), tokens: givesTokens ? prompt.tokens : nil,
                inFlight: prompt.inFlight))
    }
}
