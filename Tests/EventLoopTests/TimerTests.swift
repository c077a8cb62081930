import EventLoop
import Glibc
import TestSupport
import Testing

/// Deadlines on the loop, and tasks that sleep.
@Suite(.timeLimit(.minutes(1))) struct `Timers` {
    /// A timer, and the times at which it fired.
    private final class Firings {
        var times: [LoopInstant] = []
        var timer: LoopTimer?
    }

    @Test func `fire once, at their time`() async throws {
        try await onLoop(clock: .manual) { loop in
            let firings = Firings()
            let start = loop.now
            let timer = LoopTimer(on: loop) { firings.times.append(loop.now) }
            timer.deadline = start + .milliseconds(20)
            await loop.advance(by: .milliseconds(20) - .nanoseconds(1))
            #expect(firings.times.isEmpty)
            await loop.advance(by: .nanoseconds(1))
            #expect(firings.times == [start + .milliseconds(20)])
            await loop.advance(by: .seconds(3600))
            #expect(firings.times.count == 1)
            #expect(loop.now - start == .seconds(3600) + .milliseconds(20))
        }
    }

    @Test func `can be moved back, moved forward and cleared`() async throws {
        try await onLoop(clock: .manual) { loop in
            let start = loop.now
            var fired: [(String, Duration)] = []
            func timer(_ name: String) -> LoopTimer { LoopTimer(on: loop) { fired.append((name, loop.now - start)) } }
            let (back, forward, cleared, again) = (timer("back"), timer("forward"), timer("cleared"), timer("again"))
            back.deadline = start + .milliseconds(5)
            back.deadline = start + .milliseconds(40)
            forward.deadline = start + .seconds(5000)
            forward.deadline = start + .milliseconds(20)
            cleared.deadline = start + .milliseconds(5)
            cleared.deadline = nil
            again.deadline = start + .milliseconds(5)
            again.deadline = nil
            again.deadline = start + .milliseconds(60)
            await loop.advance(by: .milliseconds(100))
            #expect(fired.map(\.0) == ["forward", "back", "again"])
            #expect(fired.map(\.1) == [.milliseconds(20), .milliseconds(40), .milliseconds(60)])
            _ = (back, forward, cleared, again)
        }
    }

    @Test func `can be set again, and freed, while they fire`() async throws {
        try await onLoop(clock: .manual) { loop in
            let firings = Firings()
            let start = loop.now
            firings.timer = LoopTimer(on: loop) { [unowned firings] in
                firings.times.append(loop.now)
                if firings.times.count < 3 {
                    firings.timer?.deadline = loop.now + .milliseconds(10)
                } else {
                    firings.timer = nil
                }
            }
            firings.timer?.deadline = start
            await loop.advance(by: .milliseconds(100))
            #expect(firings.timer == nil)
            #expect(firings.times.map { $0 - start } == [.zero, .milliseconds(10), .milliseconds(20)])
        }
    }

    @Test func `do not fire once freed`() async throws {
        try await onLoop(clock: .manual) { loop in
            let firings = Firings()
            var timer: LoopTimer? = LoopTimer(on: loop) { firings.times.append(loop.now) }
            timer?.deadline = loop.now + .milliseconds(5)
            #expect(loop.hasDeadline(at: loop.now + .milliseconds(5)))
            timer = nil
            #expect(!loop.hasDeadline(at: loop.now + .milliseconds(5)))
            await loop.advance(by: .milliseconds(20))
            #expect(firings.times.isEmpty && timer == nil)
        }
    }

    @Test func `with the system's clock, fire once and never early`() async throws {
        try await onLoop { loop in
            let firings = Firings()
            let start = loop.now
            let moved = LoopTimer(on: loop) { firings.times.append(loop.now) }
            moved.deadline = start + .milliseconds(5)
            moved.deadline = start + .milliseconds(20)
            try await until("it fired", on: loop) { !firings.times.isEmpty }
            await loop.sleep(for: .milliseconds(1))
            #expect(firings.times.count == 1 && firings.times[0] - start >= .milliseconds(20))
        }
    }

    @Test(arguments: [true, false])
    func `a sleep ends early when it is cancelled`(fromLoop: Bool) async throws {
        try await onLoop { loop in
            let ended = Gate()
            let task = loop.startTask {
                await loop.sleep(for: .seconds(1000))
                #expect(Task.isCancelled)
                ended.open()
            }
            if fromLoop { task.cancel() } else { try await offLoop { task.cancel() } }
            try await until("the sleep ends", on: loop) { ended.isOpen }
        }
    }

    @Test func `a cancelled task does not sleep`() async throws {
        try await onLoop { loop in
            let task = loop.startTask {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                await loop.sleep(for: .seconds(1000))
                return 1
            }
            #expect(await task.value == 1)
        }
    }

    @Test func `ten thousand sleeps end, none of them early`() async throws {
        try await onLoop { loop in
            var ended = 0, early = 0
            for index in 0..<10_000 {
                loop.startTask {
                    let end = loop.now + .milliseconds(index % 50)
                    await loop.sleep(for: .milliseconds(index % 50))
                    if loop.now < end { early += 1 }
                    ended += 1
                }
            }
            try await until("all are awake", on: loop) { ended == 10_000 }
            #expect(early == 0)
        }
    }
}

/// Signals on the loop.
@Suite(.timeLimit(.minutes(1)), .serialized) struct `Signals` {
    @Test func `are handled on the loop's thread as long as their object lives`() async throws {
        try await onLoop { loop in
            var count = 0
            var signal: LoopSignal? = try LoopSignal(SIGUSR1, on: loop) {
                loop.preconditionIsolated()
                count += 1
            }
            for expected in 1...3 {
                kill(getpid(), SIGUSR1)
                try await until("signal \(expected)", on: loop) { count == expected }
            }
            signal = nil
            #expect(signal == nil)
            var action = sigaction()
            unsafe sigaction(SIGUSR1, nil, &action)
            #expect(unsafe action.__sigaction_handler.sa_handler == nil)
        }
    }
}
