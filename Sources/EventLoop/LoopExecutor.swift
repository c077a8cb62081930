import CLibevent
import Glibc
import Synchronization

/// Runs Swift jobs between libevent's events, on one thread.
///
/// A job from the loop's own thread goes to `ready`, without a lock, and runs before the event's callback returns to
/// libevent. Jobs from other threads are collected behind a mutex. All jobs that arrive before the loop takes them
/// share one wake-up. The loop runs them between its events, a limited number in each turn.
///
/// `@unchecked Sendable`: `ready`, `backlog`, `isDraining`, `turnHooks`, `collecting` and `handle`'s contents are used
/// on the loop's thread only: every callback from C, `drain`, `onTurnEnd` and `dispatchAtTurnEnd` check this, and
/// `enqueue` tests it. `inbox` has a mutex.
/// `@safe`: `handle` is freed with the executor, after everything that was made with it.
@safe public final class LoopExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// The C loop, for targets that register events with it.
    @usableFromInline package let handle: OpaquePointer

    private var ready: [UnownedJob] = []
    private var backlog: [Arrival] = []
    private var backlogStart = 0
    private var isDraining = false

    /// The maximum number of jobs in one call of `drain`, and of arrivals from other threads in one turn.
    private static let drainLimit = 4096
    private static let backlogPerTurn = 32

    private var turnHooks: [() -> Void] = []
    /// The queues that collect work in this turn.
    private var collecting: [WorkQueue] = []
    private let inbox = Mutex(Inbox())

    /// A job or call from another thread.
    private enum Arrival {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    private struct Inbox {
        var arrivals: [Arrival] = []
        var isAwake = false
    }

    init(clock: LoopClock) throws(EventLoopError) {
        guard let handle = unsafe shim_loop_new() else { throw .unavailable(errno: errno) }
        unsafe self.handle = unsafe handle
        if clock == .manual {
            precondition(unsafe shim_loop_use_manual_clock(handle), "no memory for a clock")
        }
        let callbacks = unsafe shim_loop_callbacks(
            woken: { unsafe LoopExecutor.from($0).takeInbox() },
            settled: { unsafe LoopExecutor.from($0).runReady() },
            turned: { unsafe LoopExecutor.from($0).endTurn() })
        unsafe shim_loop_set_callbacks(handle, callbacks, Unmanaged.passUnretained(self).toOpaque())
        bind()
    }

    deinit { unsafe shim_loop_free(handle) }

    /// The executor that a callback from C belongs to.
    @inline(__always)
    private static func from(_ context: UnsafeMutableRawPointer?) -> LoopExecutor {
        let executor = unsafe Unmanaged<LoopExecutor>.fromOpaque(context!).takeUnretainedValue()
        executor.checkThread()
        return executor
    }

    // MARK: Swift's executor

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            ready.append(job)
            return
        }
        let mustWake = inbox.withLock { inbox in
            inbox.arrivals.append(.job(job))
            defer { inbox.isAwake = true }
            return !inbox.isAwake
        }
        if mustWake { unsafe shim_loop_wake(handle) }
    }

    /// Makes `calls` on the loop, in order, with at most one wake-up. May be called on any thread.
    package func post(_ calls: [@Sendable () -> Void]) {
        let mustWake = inbox.withLock { inbox in
            inbox.arrivals.append(contentsOf: calls.lazy.map(Arrival.call))
            defer { inbox.isAwake = true }
            return !inbox.isAwake
        }
        if mustWake { unsafe shim_loop_wake(handle) }
    }

    /// Whether the calling thread is the loop's.
    @inline(__always)
    public var isCurrent: Bool { unsafe shim_loop_is_current(handle) }

    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    public func checkIsolated() { checkThread() }

    /// Ends the process unless it is called on the loop's thread. Costs one comparison.
    public func checkThread() {
        precondition(isCurrent, "Use this on the event loop's thread only: it belongs to the loop, and has no lock.")
    }

    // MARK: The loop's thread

    func bind() { unsafe shim_loop_bind(handle) }

    func run() {
        runReady()
        _ = endTurn()
        unsafe shim_loop_run(handle)
    }

    func stop() { unsafe shim_loop_stop(handle) }

    /// Runs the jobs that are ready, and the jobs that they make ready. Does nothing while it is already running.
    /// Loop's thread only.
    ///
    /// A callback that lends bytes calls it before the bytes become invalid. libevent's other callbacks run the ready
    /// jobs at their end anyway.
    package func drain() {
        checkThread()
        runReady()
    }

    private func runReady() {
        guard !isDraining, !ready.isEmpty else { return }
        isDraining = true
        defer { isDraining = false }
        var index = 0
        while index < ready.count && index < Self.drainLimit {
            run(ready[index])
            index += 1
        }
        if index < ready.count {  // a task that never suspends must not block the sockets
            backlog.append(contentsOf: ready[index...].lazy.map(Arrival.job))
        }
        ready.removeAll(keepingCapacity: true)
    }

    private func run(_ job: UnownedJob) {
        unsafe job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
    }

    private func takeInbox() {
        let arrivals = inbox.withLock { inbox in
            defer { inbox = Inbox() }
            return inbox.arrivals
        }
        backlog.append(contentsOf: arrivals)
    }

    /// Runs jobs from the backlog, some in each turn, so that a thousand prompts that return from Dispatch at once do
    /// not delay a health check.
    private func runBacklog() {
        let end = min(backlogStart + Self.backlogPerTurn, backlog.count)
        while backlogStart < end {
            switch backlog[backlogStart] {
            case .job(let job): ready.append(job)
            case .call(let call): call()
            }
            backlogStart += 1
            runReady()
        }
        if backlogStart == backlog.count {
            backlog.removeAll(keepingCapacity: true)
            backlogStart = 0
        }
    }

    /// Calls `hook` at the end of each turn. It stays for the loop's lifetime. Loop's thread only.
    package func onTurnEnd(_ hook: @escaping () -> Void) {
        checkThread()
        turnHooks.append(hook)
    }

    /// Has a queue dispatch at the end of this turn what it has collected. Loop's thread only.
    func dispatchAtTurnEnd(_ queue: WorkQueue) {
        checkThread()
        collecting.append(queue)
    }

    private func dispatchCollected() {
        for queue in collecting { queue.dispatchBatch() }
        collecting.removeAll(keepingCapacity: true)
    }

    /// Returns whether there is more work, so that the loop must not wait for events.
    private func endTurn() -> Bool {
        runBacklog()
        runReady()  // before the hooks: work that a job collects after them would wait for another event
        if !collecting.isEmpty { dispatchCollected() }
        for hook in turnHooks { hook() }
        return !backlog.isEmpty || !ready.isEmpty
    }
}
