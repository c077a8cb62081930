import EventLoop
@testable import PromptFunction
import TestSupport
import Testing

/// A day of three hosts that load a model when it is first asked for, some seconds late.
@Suite(.timeLimit(.minutes(1))) struct `Mixed load` {
    private struct Chat { let host: Int, model: Int, began: LoopInstant, endsAt: Int64 }

    private struct Day {
        static let models = [ModelName("a"), ModelName("b:7b")]
        var hosts = (0..<3).map { `Backend choice`.Host($0) }
        /// By host: the models that it has loaded, and since when each can answer.
        var loaded: [[Int: Int64]] = [[:], [:], [:]]
        var loads = 0
        var served = 0
        var running: [Chat] = []

        mutating func send(_ model: Int, _ random: inout SeededRandom, at second: Int64) {
            let now = LoopInstant(nanoseconds: second * 1_000_000_000)
            let name = Self.models[model]
            guard let host = LoadBalancer.best(of: hosts, for: name, prefix: random.next(), at: now) else { return }
            if loaded[host][model] == nil {
                loads += 1
                loaded[host][model] = second + 60
            }
            hosts[host].inFlight += 1
            hosts[host].inventory.chatSent(name, at: now)
            let endsAt = max(second, loaded[host][model]!) + Int64.random(in: 2...20, using: &random)
            running.append(Chat(host: host, model: model, began: now, endsAt: endsAt))
        }

        mutating func end(at second: Int64) {
            for chat in running where chat.endsAt <= second {
                hosts[chat.host].inFlight -= 1
                hosts[chat.host].inventory.chatEnded(
                    Self.models[chat.model], .answered, began: chat.began,
                    at: LoopInstant(nanoseconds: second * 1_000_000_000))
                served += 1
            }
            running.removeAll { $0.endsAt <= second }
        }

        /// Ollama lists what has been loaded, not what is being loaded.
        mutating func list(at second: Int64) {
            for host in hosts.indices {
                let now = LoopInstant(nanoseconds: second * 1_000_000_000)
                hosts[host].inventory.list(local: Self.models, asked: now)
                let done = loaded[host].filter { $0.value <= second }.keys.map { Self.models[$0] }
                hosts[host].inventory.list(running: done, asked: now)
            }
        }
    }

    @Test(arguments: [0, 4], [false, true])
    func `a mixed load of two models over three hosts loads each at most once per host`(limit: Int, lists: Bool) {
        var day = Day()
        var random = SeededRandom(fixed: 11)
        for host in day.hosts.indices { day.hosts[host].limit = limit }
        for second in Int64(0)..<5_000 {
            day.end(at: second)
            if lists, second % 5 == 0 { day.list(at: second) }
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                day.send(Int.random(in: 0...1, using: &random), &random, at: second)
            }
        }
        #expect(day.served > 1_000)
        #expect(day.loads >= 2 && day.loads <= 6)
    }
}
