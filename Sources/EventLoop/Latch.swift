/// Something that happens once, and one task that waits for it.
///
/// `@unchecked Sendable`: everything but `executor`, which is immutable, is used on the loop's thread only; `init`, `open`
/// and `wait` check it, and cancelling from another thread is posted to the loop.
/// `@safe`: the continuation is resumed exactly once, since `open` removes it.
@safe public final class Latch: @unchecked Sendable {
    private let executor: LoopExecutor
    private var continuation: UnsafeContinuation<Void, Never>?
    /// Whether it has happened.
    public private(set) var isOpen = false

    /// Makes a latch that is not open.
    public init(on loop: EventLoop) {
        executor = loop.executor
        executor.checkThread()
    }

    /// Opens the latch for ever: the task that waits goes on, and later waits return at once.
    public func open() {
        executor.checkThread()
        isOpen = true
        unsafe continuation?.resume()
        unsafe continuation = nil
    }

    /// Waits until it has happened.
    public func wait() async {
        executor.checkThread()
        if isOpen { return }
        unsafe await withUnsafeContinuation { continuation in
            // This may be a job of its own, and it may have happened before that.
            if isOpen { unsafe continuation.resume() } else { unsafe self.continuation = unsafe continuation }
        }
    }

    /// Waits until it has happened, or the task is cancelled, which opens it too.
    public func waitUnlessCancelled() async {
        await withTaskCancellationHandler {
            await wait()
        } onCancel: {
            if executor.isCurrent { open() } else { executor.post([{ self.open() }]) }
        }
    }
}
