import CLibevent

/// An event loop: one thread that waits for sockets, timers and signals, and runs all Swift code that handles them.
///
/// It is an actor, so the compiler checks the rule "only on the loop's thread": servers, connections and functions are
/// plain classes that are not `Sendable`, made and used in the loop's isolation, and their asynchronous methods run
/// where their caller runs (`NonisolatedNonsendingByDefault`). One isolation domain means no hop, and no lock, between
/// a request that comes in and the upstream connection that serves it.
///
/// `startTask` starts tasks on the loop. Cases that the compiler cannot check are checked at run time: each callback
/// from C, and each initialiser of a type that belongs to the loop's thread, calls `checkThread`.
public actor EventLoop {
    /// The executor behind the actor; the task executor preference of every task that is started on the loop.
    public nonisolated let executor: LoopExecutor

    /// The executor, for the actor's isolation. Source: SE-0392.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Makes a loop. The calling thread counts as its thread until `run` is called.
    ///
    /// - Throws: `EventLoopError` when the system provides no epoll or eventfd descriptor.
    public init() throws(EventLoopError) {
        executor = try LoopExecutor(clock: .monotonic)
    }

    /// Makes a loop whose timers use `clock`.
    ///
    /// - Throws: `EventLoopError` when the system provides no epoll or eventfd descriptor.
    package init(clock: LoopClock) throws(EventLoopError) {
        executor = try LoopExecutor(clock: clock)
    }

    /// Runs `main`, and the tasks it starts, on the calling thread until `main` returns.
    ///
    /// - Returns: the value that `main` returned.
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

    /// The value that `main` returned.
    ///
    /// `@unchecked Sendable`: written by a task on the loop, and read by `run` after the loop has stopped, both on the
    /// thread that called `run`.
    private final class Outcome<Value>: @unchecked Sendable {
        var value: Value?
    }

    /// The loop's clock time, read once per turn of the loop. Loop's thread only.
    public nonisolated var now: LoopInstant {
        executor.checkThread()
        return unsafe LoopInstant(nanoseconds: shim_loop_now(executor.handle))
    }
}

/// Why a loop could not be made, or a signal could not be handled on it.
public enum EventLoopError: Error, Equatable, CustomStringConvertible {
    /// `epoll_create1(2)` or `eventfd(2)` failed with `errno`.
    case unavailable(errno: CInt)
    /// `sigaction(2)` failed with `errno` for signal `number`.
    case signalRefused(number: CInt, errno: CInt)

    public var description: String {
        switch self {
        case .unavailable(let errno): "cannot make an event loop: \(SystemError.description(of: errno))"
        case .signalRefused(let number, let errno):
            "cannot handle signal \(number): \(SystemError.description(of: errno))"
        }
    }
}
