import EventLoop
import Glibc
import TestSupport
import Testing

/// Deadlines on the loop, and tasks that sleep.
@Suite(.timeLimit(.minutes(1))) struct `Timers` {
    /// Something that fires and says when.
    private final class Bell {
        var times: [LoopInstant] = []
        var timer: LoopTimer?
    }

    @Test func `fire once, at their time`() async throws {
        try await onLoop { loop in
            let bell = Bell()
            let start = loop.now
            let timer = LoopTimer(on: loop) { bell.times.append(loop.now) }
            timer.deadline = start + .milliseconds(20)
            await loop.sleep(for: .milliseconds(60))
            #expect(bell.times.count == 1)
            #expect(bell.times.allSatisfy { $0 - start >= .milliseconds(20) })
        }
    }

    @Test func `can be moved back, moved forward and cleared`() async throws {
        try await onLoop { loop in
            let start = loop.now
            nonisolated(unsafe) var fired: [String: Duration] = [:]
            func timer(_ name: String) -> LoopTimer { LoopTimer(on: loop) { fired[name] = loop.now - start } }
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
            await loop.sleep(for: .milliseconds(100))
            #expect(fired.keys.sorted() == ["again", "back", "forward"])
            #expect(fired["back"]! >= .milliseconds(40))
            #expect(fired["forward"]! >= .milliseconds(20))
            #expect(fired["again"]! >= .milliseconds(60))
            _ = (back, forward, cleared, again)
        }
    }

    @Test func `can be set again, and freed, while they fire`() async throws {
        try await onLoop { loop in
            let bell = Bell()
            bell.timer = LoopTimer(on: loop) { [unowned bell] in
                bell.times.append(loop.now)
                if bell.times.count < 3 { bell.timer?.deadline = loop.now } else { bell.timer = nil }
            }
            bell.timer?.deadline = loop.now
            try await until("it was freed", on: loop) { bell.timer == nil }
            #expect(bell.times.count == 3)
        }
    }

    @Test func `do not fire once freed`() async throws {
        try await onLoop { loop in
            let bell = Bell()
            var timer: LoopTimer? = LoopTimer(on: loop) { bell.times.append(loop.now) }
            timer?.deadline = loop.now + .milliseconds(5)
            timer = nil
            await loop.sleep(for: .milliseconds(20))
            #expect(bell.times.isEmpty && timer == nil)
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
                withUnsafeCurrentTask { $0?.cancel() }
                await loop.sleep(for: .seconds(1000))
                return 1
            }
            #expect(await task.value == 1)
        }
    }

    @Test func `ten thousand sleeps end, none of them early`() async throws {
        try await onLoop { loop in
            nonisolated(unsafe) var ended = 0, early = 0
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
            nonisolated(unsafe) var count = 0
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
            sigaction(SIGUSR1, nil, &action)
            #expect(action.__sigaction_handler.sa_handler == nil)
        }
    }
}
