package import EventLoop
import Synchronization

/// Something did not happen in time.
package struct TimedOut: Error, CustomStringConvertible {
    package let description: String
    package init(_ what: String) { description = "timed out: \(what)" }
}

/// Waits until `condition` holds; looks at it about once a millisecond of real time, whatever the loop's clock does.
///
/// - Throws: `TimedOut` after `limit`, which only a failure reaches.
package func until(
    _ what: String, within limit: Duration = .seconds(10), on loop: isolated EventLoop, _ condition: () -> Bool
) async throws {
    let start = ContinuousClock.now
    while !condition() {
        guard ContinuousClock.now - start < limit else { throw TimedOut(what) }
        try await Task.sleep(for: .milliseconds(1))
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
