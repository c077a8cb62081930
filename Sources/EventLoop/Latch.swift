/// Something that happens once, and one task that waits for it.
///
/// `@unchecked Sendable`: touched on the loop's thread only, which cancelling from elsewhere is passed on to.
@safe public final class Latch: @unchecked Sendable {
    private let executor: LoopExecutor
    private var continuation: UnsafeContinuation<Void, Never>?
    /// Whether it has happened.
    public private(set) var isOpen = false

    public init(on loop: EventLoop) { executor = loop.executor }

    /// It happens: whoever waits goes on, and nobody waits any more.
    public func open() {
        isOpen = true
        unsafe continuation?.resume()
        unsafe continuation = nil
    }

    /// Waits until it has happened.
    public func wait() async {
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
