import EventLoop
import Synchronization
import TestSupport
import Testing

/// The loop as the place where Swift's jobs run.
@Suite(.timeLimit(.minutes(1))) struct `The loop` {
    @Test func `returns what its main function returns`() async throws {
        let loop = try EventLoop()
        let main: @Sendable (isolated EventLoop) async -> Int = { loop in
            await loop.turn()
            return 7
        }
        #expect(loop.run(main) == 7)
        let immediate: @Sendable (isolated EventLoop) async -> Int = { loop in 8 }
        #expect(loop.run(immediate) == 8)
    }

    @Test func `knows its thread`() async throws {
        try await onLoop { loop in
            #expect(loop.executor.isCurrent)
            let elsewhere = try await offLoop { loop.executor.isCurrent }
            #expect(!elsewhere)
            #expect(loop.executor.isCurrent)
        }
    }

    @Test func `loses none of 100,000 calls from other threads`() async throws {
        try await onLoop { loop in
            let calls = Calls()
            for thread in 0..<4 {
                Task.detached {
                    try await offLoop {
                        for index in 0..<25_000 {
                            loop.executor.post([
                                {
                                    calls.state.withLock {
                                        if $0.last[thread] != index - 1 { $0.disorder += 1 }
                                        $0.last[thread] = index
                                    }
                                }
                            ])
                        }
                    }
                }
            }
            try await until("all came", on: loop) {
                calls.state.withLock { $0.last.allSatisfy { $0 == 24_999 } }
            }
            #expect(calls.state.withLock { $0.disorder } == 0)
        }
    }

    /// The last call of each thread, and how many were not the next after their last.
    private final class Calls: Sendable {
        let state = Mutex((last: [Int](repeating: -1, count: 4), disorder: 0))
    }

    @Test func `loses none of 100,000 jobs from other threads`() async throws {
        try await onLoop { loop in
            let counter = Counter(loop)
            await withTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask(executorPreference: globalConcurrentExecutor) {
                        for _ in 0..<12_500 { await counter.add() }
                    }
                }
            }
            #expect(await counter.count == 100_000)
        }
    }

    /// An actor that shares the loop.
    private actor Counter {
        private let loop: EventLoop
        var count = 0
        nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.unownedExecutor }
        init(_ loop: EventLoop) { self.loop = loop }
        func add() { count += 1 }
    }

    @Test func `goes on with sockets and timers while a task spins`() async throws {
        try await onLoop { loop in
            var spins = 0
            let spinner = loop.startTask {
                while !Task.isCancelled {
                    spins += 1
                    await Task.yield()
                }
            }
            for _ in 0..<20 {
                let before = spins
                try await offLoop {}
                await loop.sleep(for: .milliseconds(1))
                #expect(spins > before)
            }
            spinner.cancel()
            await spinner.value
        }
    }
}

/// Slow work off the loop.
@Suite(.timeLimit(.minutes(1))) struct `The work queue` {
    @Test func `works in order, on another thread, and tells on the loop`() async throws {
        try await onLoop { loop in
            let work = WorkQueue(on: loop)
            let order = Mutex<[Int]>([])
            var told: [Int] = []
            for index in 0..<1000 {
                loop.startTask {
                    let onLoop = await work.run(weight: 10) {
                        order.withLock { $0.append(index) }
                        return loop.executor.isCurrent
                    }
                    #expect(!onLoop)
                    told.append(index)
                }
            }
            try await until("all is told", on: loop) { told.count == 1000 }
            #expect(told == Array(0..<1000))
            #expect(order.withLock { $0 } == Array(0..<1000))
        }
    }

    @Test func `is handed what a turn gathered, at once`() async throws {
        try await onLoop { loop in
            let work = WorkQueue(on: loop)
            for index in 0..<100 {  // nothing else wakes the loop in between
                let result = await work.run(weight: 1) { index }
                #expect(result == index)
            }
        }
    }

    @Test func `does large work beside the small`() async throws {
        try await onLoop { loop in
            let work = WorkQueue(on: loop)
            let smallDone = Flag()
            var large = false
            loop.startTask {
                large = await work.run(weight: 1 << 20) { (try? smallDone.wait()) != nil }
            }
            for _ in 0..<10 { await work.run(weight: 1) {} }
            #expect(!large)
            smallDone.raise()
            try await until("the large is done", on: loop) { large }
        }
    }
}
