/// An event that happens once, with at most one task that waits for it at a time. Belongs to the loop's thread.
///
/// `@unchecked Sendable`: everything but `executor`, which is immutable, is used on the loop's thread only; every method
/// checks it, and cancelling from another thread is posted to the loop.
/// `@safe`: the continuation is resumed exactly once, since `open` removes it and `wait` never replaces one.
@safe public final class Latch: @unchecked Sendable {
    private let executor: LoopExecutor
    private var continuation: UnsafeContinuation<Void, Never>?
    private var hasHappened = false

    /// Makes a latch that is not open.
    public init(on loop: EventLoop) {
        executor = loop.executor
        executor.checkThread()
    }

    /// Whether the event has happened.
    public var isOpen: Bool {
        executor.checkThread()
        return hasHappened
    }

    /// Opens the latch permanently: the waiting task resumes, and later waits return immediately.
    public func open() {
        executor.checkThread()
        hasHappened = true
        unsafe continuation?.resume()
        unsafe continuation = nil
    }

    /// Waits until the latch is open.
    public func wait() async {
        if isOpen { return }
        unsafe await withUnsafeContinuation { continuation in
            // This may run as a separate job, and the latch may have been opened before it.
            if isOpen { return unsafe continuation.resume() }
            unsafe precondition(self.continuation == nil, "Only one task at a time may wait for a latch.")
            unsafe self.continuation = unsafe continuation
        }
    }

    /// Waits until the latch is open. Cancelling the task opens it too.
    public func waitUnlessCancelled() async {
        await withTaskCancellationHandler {
            await wait()
        } onCancel: {
            if executor.isCurrent { open() } else { executor.post([{ self.open() }]) }
        }
    }
}
