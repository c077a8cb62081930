import EventLoop
@testable import PromptFunction
import TestSupport
import Testing

/// Hosts that answer one prompt after the other, or some at once, each with one model in memory, on a scripted clock.
private struct Cluster {
    struct Host {
        /// Milliseconds for a prompt and for a load.
        var answer: Int, load: Int
        /// The most prompts that are answered at once.
        var parallel = 1
        /// The model in memory.
        var model: Int?
        var queue: [(model: Int, began: Int)] = []
        var running: [(model: Int, began: Int, endsAt: Int)] = []
        /// When the model in memory can answer.
        var readyAt = 0
        /// When the next prompt is answered.
        var endsAt: Int? { running.map(\.endsAt).min() }
        var answered = 0
    }

    static let models = [ModelName("a"), ModelName("b")]
    var hosts: [Host]
    var known: [`Backend choice`.Host]
    var now = 0
    var loads = 0
    /// When each prompt was answered, after how long.
    var latencies: [Int] = []

    init(_ hosts: [Host]) {
        self.hosts = hosts
        known = hosts.indices.map { `Backend choice`.Host($0) }
        for index in hosts.indices { list(index) }
    }

    var instant: LoopInstant { LoopInstant(nanoseconds: Int64(now) * 1_000_000) }

    private mutating func list(_ index: Int) {
        known[index].inventory.list(local: Self.models, asked: instant)
        known[index].inventory.list(running: hosts[index].model.map { [Self.models[$0]] } ?? [], asked: instant)
    }

    mutating func send(_ model: Int, prefix: UInt64 = 0) {
        let best = LoadBalancer.best(of: known, for: Self.models[model], prefix: prefix, at: instant)
        guard let index = best else { return }
        known[index].inFlight += 1
        known[index].inventory.chatSent(Self.models[model], at: instant)
        hosts[index].queue.append((model, now))
        begin(index)
    }

    /// Begins prompts as long as there is room, and they are for the model in memory or no other is running.
    private mutating func begin(_ index: Int) {
        while let next = hosts[index].queue.first, hosts[index].running.count < hosts[index].parallel {
            if hosts[index].model != next.model {
                guard hosts[index].running.isEmpty else { return }
                loads += 1
                hosts[index].model = next.model
                hosts[index].readyAt = now + hosts[index].load
            }
            hosts[index].queue.removeFirst()
            let endsAt = max(now, hosts[index].readyAt) + hosts[index].answer
            hosts[index].running.append((next.model, next.began, endsAt))
        }
    }

    /// Answers the next prompt. Returns false if there is none.
    mutating func step(until limit: Int = .max) -> Bool {
        let next = hosts.indices.filter { hosts[$0].endsAt != nil }.min { hosts[$0].endsAt! < hosts[$1].endsAt! }
        guard let next, hosts[next].endsAt! <= limit else {
            if limit < .max { now = limit }
            return false
        }
        now = hosts[next].endsAt!
        let first = hosts[next].running.firstIndex { $0.endsAt == now }!
        let (model, began, _) = hosts[next].running.remove(at: first)
        hosts[next].answered += 1
        latencies.append(now - began)
        known[next].inFlight -= 1
        known[next].inventory.chatEnded(
            Self.models[model], .answered, began: LoopInstant(nanoseconds: Int64(began) * 1_000_000), at: instant)
        list(next)
        begin(next)
        return true
    }

    /// The milliseconds in which `count` prompts of one model can be answered at best.
    static func ideal(_ hosts: [Host], _ count: Int) -> Int {
        (0...).first { time in
            hosts.reduce(0) { sum, host in
                sum + max(time - (host.model == 0 ? 0 : host.load), 0) / host.answer * host.parallel
            }
                >= count
        }!
    }
}

/// How near the choice of hosts comes to the best schedule.
@Suite(.timeLimit(.minutes(1))) struct `The schedule over several hosts` {
    private static func host(_ answer: Int, load: Int = 1000, model: Int? = nil) -> Cluster.Host {
        Cluster.Host(answer: answer, load: load, model: model)
    }

    @Test(arguments: [
        [host(200, model: 0), host(200), host(200)], [host(200), host(200), host(200)],
        [host(200, model: 0), host(200, model: 0), host(200, model: 0)],
        [host(100, load: 2000, model: 0), host(100, load: 2000), host(100, load: 2000)],
        [host(500, load: 1000, model: 0), host(500, load: 1000), host(500, load: 1000)],
        [host(1000, load: 3000), host(1000, load: 3000), host(1000, load: 3000)],
    ])
    fileprivate func `50 prompts at once take little more than the best schedule`(hosts: [Cluster.Host]) {
        var cluster = Cluster(hosts)
        for _ in 0..<50 { cluster.send(0) }
        while cluster.step() {}
        #expect(cluster.latencies.count == 50)
        #expect(
            cluster.now * 10 <= Cluster.ideal(hosts, 50) * 13, "\(cluster.now) instead of \(Cluster.ideal(hosts, 50))")
    }

    @Test func `slow hosts get less`() {
        let hosts = [Self.host(100, model: 0), Self.host(200, model: 0), Self.host(800, model: 0)]
        var cluster = Cluster(hosts)
        var random = SeededRandom(fixed: 3)
        var sent = 0
        while sent < 1000 {  // 30 clients, each with one prompt after the other
            while cluster.known.reduce(0, { $0 + $1.inFlight }) < 30 {
                cluster.send(0, prefix: random.next())
                sent += 1
            }
            _ = cluster.step()
        }
        while cluster.step() {}
        #expect(cluster.now * 10 <= Cluster.ideal(hosts, sent) * 13)
        #expect(cluster.hosts[0].answered > cluster.hosts[1].answered)
        #expect(cluster.hosts[1].answered > cluster.hosts[2].answered * 2)
    }

    @Test(arguments: [[4, 4], [1, 8], [2, 2]])
    func `hosts that answer several at once are all used`(parallel: [Int]) {
        var hosts = [Self.host(400, model: 0), Self.host(400, model: 0)]
        for index in hosts.indices { hosts[index].parallel = parallel[index] }
        var cluster = Cluster(hosts)
        var random = SeededRandom(fixed: 5)
        var sent = 0
        while sent < 1000 {  // three clients for each prompt that can be answered at once
            while cluster.known.reduce(0, { $0 + $1.inFlight }) < 3 * (parallel[0] + parallel[1]) {
                cluster.send(0, prefix: random.next())
                sent += 1
            }
            _ = cluster.step()
        }
        while cluster.step() {}
        let ideal = Cluster.ideal(hosts, sent)
        #expect(cluster.now * 10 <= ideal * 13, "\(cluster.now) instead of \(ideal)")
    }

    @Test func `models are not swapped for single prompts`() {
        var cluster = Cluster([Self.host(200, model: 0), Self.host(200, model: 1), Self.host(200)])
        var random = SeededRandom(fixed: 4)
        for second in 0..<500 {
            cluster.send(Int.random(in: 0...1, using: &random), prefix: random.next())
            if second % 10 == 0 { cluster.send(0, prefix: random.next()) }
            while cluster.step(until: second * 1000) {}
        }
        #expect(cluster.loads <= 1)
    }

    @Test func `a queue for one model gets the idle hosts, and the other model comes back`() {
        var cluster = Cluster([Self.host(200, model: 0), Self.host(200, model: 1), Self.host(200)])
        for round in 0..<20 {
            for _ in 0..<60 { cluster.send(round % 2) }
            while cluster.step() {}
        }
        // 60 prompts on one host take 12 s; on three, with two loads, under 5 s.
        #expect(cluster.now <= 20 * 6000)
    }

    @Test func `after a restart a host is asked again, once it is worth the load`() {
        var cluster = Cluster([Self.host(200, model: 0), Self.host(200, model: 0)])
        for _ in 0..<10 { cluster.send(0) }
        while cluster.step() {}
        cluster.hosts[0].model = nil
        cluster.known[0].inventory.hostWasUnreachable()
        cluster.send(0)
        #expect(cluster.hosts[1].running.count == 1)
        for _ in 0..<30 { cluster.send(0) }
        #expect(cluster.hosts[0].queue.count > 10)
    }
}
