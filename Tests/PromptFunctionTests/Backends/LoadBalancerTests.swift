import EventLoop
@testable import PromptFunction
import Testing

/// Which host gets a prompt.
@Suite struct `Backend choice` {
    struct Host: Backend {
        var seed: UInt64
        var admitsPrompts = true
        var inFlight = 0
        var limit = 0
        var inventory = ModelInventory()
        var paused: Set<ModelName> = []

        func isPaused(for model: ModelName, at now: LoopInstant) -> Bool { paused.contains(model) }

        init(_ number: Int) { seed = PromptPrefix.hash("http://host\(number):11434".utf8) }
    }

    static let model = ModelName("a")
    static let now = LoopInstant(nanoseconds: 1_000_000_000)

    /// Hosts that answer listings: what each has and has loaded, and how many prompts are with it.
    private func hosts(_ descriptions: [(local: [String], running: [String], inFlight: Int)]) -> [Host] {
        descriptions.enumerated().map { number, description in
            var host = Host(number)
            host.inFlight = description.inFlight
            host.inventory.list(local: description.local.map(ModelName.init), asked: LoopInstant(nanoseconds: 0))
            host.inventory.list(running: description.running.map(ModelName.init), asked: LoopInstant(nanoseconds: 0))
            return host
        }
    }

    private func best(_ hosts: [Host], _ model: ModelName = model, prefix: UInt64 = 0) -> Int? {
        LoadBalancer.best(of: hosts, for: model, prefix: prefix, at: Self.now)
    }

    @Test func `a host with the model loaded wins over idle ones, until a queue there is worth a load`() {
        #expect(best(hosts([(["a"], [], 0), (["a"], ["A:latest"], 5), ([], [], 0)])) == 1)
        #expect(best(hosts([(["a"], [], 0), (["a"], ["A:latest"], 7), ([], [], 0)])) == 0)
    }

    @Test func `one that has failed the model lately gets nothing while another may have it`() {
        var all = hosts([(["a", "b"], ["a", "b"], 0), (["a", "b"], [], 7), ([], [], 0)])
        all[0].paused = [Self.model]
        #expect(best(all) == 1)
        #expect(best(all, ModelName("b")) == 0)
        all[2].admitsPrompts = false
        all[1].limit = 7
        #expect(best(all) == nil)  // it waits for the other
        all[2].admitsPrompts = true
        all[1].admitsPrompts = false
        #expect(best(all) == 0)  // the third does not have it
        all[1].admitsPrompts = true
        all[1].paused = [Self.model]
        #expect(best(all) == 0)
    }

    @Test func `of those that have it loaded the least busy wins`() {
        #expect(best(hosts([(["a"], ["a"], 3), (["a"], ["a"], 2), (["a"], ["a"], 4)])) == 1)
    }

    @Test func `one that has it wins over one that does not, and the least busy of those`() {
        #expect(best(hosts([([], [], 0), (["a"], [], 5), (["a"], [], 4)])) == 2)
    }

    @Test func `if none has it, the least busy wins`() {
        #expect(best(hosts([(["b"], ["b"], 2), ([], [], 1), ([], [], 3)])) == 1)
    }

    @Test func `one that may have it wins over one that does not`() {
        var both = hosts([([], [], 0)])
        both.append(Host(1))
        both[1].inFlight = 5
        #expect(best(both) == 1)
    }

    @Test func `a host at its limit, or with an open breaker, gets nothing`() {
        var all = hosts([(["a"], ["a"], 4), (["a"], [], 0), ([], [], 0)])
        all[0].limit = 4
        #expect(best(all) == nil)  // it is better to wait for the first than to load
        #expect(LoadBalancer.best(of: all, for: Self.model, prefix: 0, queued: 4, at: Self.now) == 1)
        all[1].admitsPrompts = false
        #expect(best(all) == nil)  // the third does not have it
        all[2].admitsPrompts = false
        #expect(best(all) == nil)
        all[0].limit = 5
        #expect(best(all) == 0)
        #expect(best([]) == nil)
    }

    @Test func `equal prefixes go to one host, and different ones to all`() {
        let all = hosts([(["a"], ["a"], 0), (["a"], ["a"], 0), (["a"], ["a"], 0)])
        var counts = [0, 0, 0]
        for number in 0..<3_000 {
            let prefix = PromptPrefix.hash("You are \(number).".utf8)
            let index = best(all, prefix: prefix)
            #expect(index == best(all, prefix: prefix))
            counts[index ?? 0] += 1
        }
        #expect(counts.allSatisfy { (850...1_150).contains($0) })
    }

    @Test func `when a host goes, only its own prompts move`() {
        let all = hosts([(["a"], ["a"], 0), (["a"], ["a"], 0), (["a"], ["a"], 0)])
        var fewer = all
        fewer[1].admitsPrompts = false
        for number in 0..<500 {
            let prefix = PromptPrefix.hash("You are \(number).".utf8)
            let before = best(all, prefix: prefix)
            if before != 1 { #expect(best(fewer, prefix: prefix) == before) }
        }
    }

    @Test func `what follows the prefix does not count`() {
        let start = String(repeating: "x", count: PromptPrefix.length)
        #expect(PromptPrefix.hash((start + "a").utf8) == PromptPrefix.hash((start + "b").utf8))
        #expect(PromptPrefix.hash("a".utf8) != PromptPrefix.hash("b".utf8))
    }
}
