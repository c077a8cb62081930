import CLibevent

/// The clock that a loop uses.
package enum LoopClock: Sendable {
    /// The system's CLOCK_MONOTONIC.
    case monotonic
    /// A clock that only `EventLoop.advance(by:)` moves, so that a test decides when a deadline passes.
    case manual
}

extension EventLoop {
    /// Moves the manual clock on by `interval`, from deadline to deadline.
    ///
    /// Each timer that is due fires at its time, and all resulting events on the loop are handled before the clock
    /// moves on, such as bytes from a server to a client on the same loop. It does not wait for other threads.
    package func advance(by interval: Duration) async {
        await handleEvents()
        await suspend(for: interval)
    }

    /// Moves the manual clock on by `interval` before what has arrived is handled, as if the process had been suspended.
    package func suspend(for interval: Duration) async {
        let end = now + interval
        while unsafe shim_loop_step_clock(executor.handle, end.nanoseconds) { await handleEvents() }
    }

    /// Waits until there are no events left, for at most 100 turns, because another thread may send events without end.
    private func handleEvents() async {
        for _ in 0..<100 {
            await turn()
            if unsafe shim_loop_is_quiet(executor.handle) { return }
        }
    }

    /// Whether a timer waits for the manual clock to reach `deadline`. Loop's thread only.
    package nonisolated func hasDeadline(at deadline: LoopInstant) -> Bool {
        executor.checkIsolated()
        return unsafe shim_loop_has_deadline(executor.handle, deadline.nanoseconds)
    }
}
