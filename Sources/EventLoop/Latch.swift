/// An event that happens once, with one task that waits for it.
///
/// `@unchecked Sendable`: everything but `executor`, which is immutable, is used on the loop's thread only; `init`, `open`
/// and `wait` check it, and cancelling from another thread is posted to the loop.
/// `@safe`: the continuation is resumed exactly once, since `open` removes it.
@safe public final class Latch: @unchecked Sendable {
    private let executor: LoopExecutor
    private var continuation: UnsafeContinuation<Void, Never>?
    /// Whether the event has happened.
    public private(set) var isOpen = false

    /// Makes a latch that is not open.
    public init(on loop: EventLoop) {
        executor = loop.executor
        executor.checkThread()
    }

    /// Opens the latch permanently: the waiting task resumes, and later waits return immediately.
    public func open() {
        executor.checkThread()
        isOpen = true
        unsafe continuation?.resume()
        unsafe continuation = nil
    }

    /// Waits until the latch is open.
    public func wait() async {
        executor.checkThread()
        if isOpen { return }
        unsafe await withUnsafeContinuation { continuation in
            // This may run as a separate job, and the latch may have been opened before it.
            if isOpen { unsafe continuation.resume() } else { unsafe self.continuation = unsafe continuation }
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
