import CLibevent

/// One thread that waits for sockets, timers and signals, and runs all Swift code that belongs to them.
///
/// It is an actor, so "only on the loop's thread" is checked by the compiler: servers, connections and functions are
/// plain classes that are not `Sendable`, made and used in the loop's isolation, and their asynchronous methods run
/// where their caller runs (`NonisolatedNonsendingByDefault`). One isolation domain means no hop, and no lock, between
/// a request that comes in and the upstream connection that serves it.
///
/// Tasks on the loop are started with `Task.immediate(executorPreference: loop.executor)`: without the preference a
/// continuation that resumes takes a detour through the global pool (10–25 µs instead of 0.3 µs).
public actor EventLoop {
    /// The executor behind the actor; the task executor preference of every task that is started on the loop.
    public nonisolated let executor: LoopExecutor

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Makes a loop. The calling thread counts as its thread until `run` is called.
    ///
    /// - Throws: `EventLoopError` when the system gives no epoll or eventfd descriptor.
    public init() throws(EventLoopError) {
        executor = try LoopExecutor(clock: .monotonic)
    }

    /// Makes a loop whose timers wait for `clock`.
    ///
    /// - Throws: `EventLoopError` when the system gives no epoll or eventfd descriptor.
    package init(clock: LoopClock) throws(EventLoopError) {
        executor = try LoopExecutor(clock: clock)
    }

    /// Runs `main`, and whatever it starts, on the calling thread until `main` returns.
    ///
    /// - Returns: what `main` returned.
    public nonisolated func run<Result: Sendable>(
        _ main: @escaping @Sendable (isolated EventLoop) async -> Result
    ) -> Result {
        executor.bind()
        let outcome = Outcome<Result>()
        Task(executorPreference: executor) {
            outcome.value = await main(self)
            self.executor.stop()
        }
        executor.run()
        return outcome.value!
    }

    /// What `main` returned. Written and read on the loop's thread only.
    private final class Outcome<Value>: @unchecked Sendable {
        var value: Value?
    }

    /// The time by the loop's clock, as of this turn of the loop.
    public nonisolated var now: LoopInstant { unsafe LoopInstant(nanoseconds: shim_loop_now(executor.handle)) }
}

/// Why there is no loop.
public enum EventLoopError: Error, Equatable {
    /// `epoll_create1(2)` or `eventfd(2)` failed with `errno`.
    case unavailable(errno: CInt)
}
