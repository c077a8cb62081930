import Dispatch
package import EventLoop
import Foundation
import Synchronization

/// Something did not happen in time.
package struct TimedOut: Error, CustomStringConvertible {
    package let description: String
    package init(_ what: String) { description = "timed out: \(what)" }
}

/// The seconds for which a test waits for what must come. Only a failure takes so long, however slow the machine is: it is
/// less than the time limit of a suite, so that the failure says what did not come.
package let patience = 45

/// Waits until `condition` holds, whatever the loop's clock does. It looks at the end of each turn of the loop: so
/// `condition` is of what changes on the loop, or brings the loop an event.
///
/// - Throws: `TimedOut` after `limit`, which only a failure reaches.
package func until(
    _ what: String, within limit: Duration = .seconds(patience), on loop: isolated EventLoop,
    _ condition: @escaping () -> Bool
) async throws {
    if condition() { return }
    let end = ContinuousClock.now + limit
    let watch = TurnWatch(on: loop) { condition() || ContinuousClock.now >= end }
    loop.executor.onTurnEnd { [weak watch] in watch?.look() }
    // A thread, as a timer of Dispatch would need a descriptor, and some tests use all.
    let isOver = DispatchSemaphore(value: 0)
    let alarm = Thread { [executor = loop.executor] in
        if isOver.wait(timeout: .now() + limit.seconds) == .timedOut { executor.post([{}]) }  // one more turn
    }
    alarm.start()
    defer { isOver.signal() }
    while !condition() {  // it may hold no longer, if the turn that follows has brought something else
        guard ContinuousClock.now < end else { throw TimedOut(what) }
        await watch.happened.wait()
    }
    withExtendedLifetime(watch) {}
}

extension Duration {
    fileprivate var seconds: Double { Double(inNanoseconds) / 1e9 }
}

/// Looks at something at the end of each turn of a loop. Belongs to the loop.
private final class TurnWatch {
    let happened: AutoResetEvent
    private let condition: () -> Bool

    init(on loop: EventLoop, _ condition: @escaping () -> Bool) {
        (happened, self.condition) = (AutoResetEvent(on: loop), condition)
    }

    func look() {
        if condition() { happened.signal() }
    }
}

/// Looks again and again at what only another process or the kernel knows, such as by a request to it, until it is
/// right.
///
/// - Throws: `TimedOut` after `limit`, which only a failure reaches, with what was seen last.
package func untilSeen<Seen>(
    _ what: String, within limit: Duration = .seconds(patience), _ look: () async throws -> Seen,
    isRight: (Seen) -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while true {
        let seen = try await look()
        if isRight(seen) { return }
        try Task.checkCancellation()
        guard ContinuousClock.now < end else { throw TimedOut("\(what). Seen last: \(seen)") }
    }
}

/// Waits until a timer of the loop is set to fire in `interval`, and moves the manual clock there: `interval` is exactly
/// what somebody waits.
package func passDeadline(_ interval: Duration, on loop: isolated EventLoop) async throws {
    let deadline = loop.now + interval
    try await until("a deadline in \(interval)", on: loop) { loop.hasDeadline(at: deadline) }
    await loop.advance(by: interval)
}

/// Opens once, for all who wait and will wait. Any thread.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var isOpen: Bool { state.withLock { $0.isOpen } }

    package func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until it opens. Does not hear of the task's cancellation.
    package func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    /// Waits until it opens or the task is cancelled.
    package func waitOrCancelled() async {
        await withTaskCancellationHandler {
            await wait()
        } onCancel: {
            open()
        }
    }
}
