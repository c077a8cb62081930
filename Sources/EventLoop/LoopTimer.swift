import CLibevent

/// A timer on the loop with one deadline. Moving the deadline to a later time costs nothing.
///
/// Belongs to the loop's thread. It is freed with its last reference, even if a deadline is set.
///
/// `@safe`: `handle` lives as long as the object, and the callback that C points to as long as `handle`.
@safe public final class LoopTimer {
    private let loop: EventLoop
    private let handle: OpaquePointer
    private let callback: LoopCallback

    /// Makes a timer without a deadline. `fire` is called on the loop when one passes; it should not hold its owner
    /// strongly.
    public init(on loop: EventLoop, _ fire: @escaping () -> Void) {
        loop.checkThread()
        self.loop = loop
        callback = LoopCallback(loop.executor, fire)
        guard
            let handle = unsafe shim_timer_new(
                loop.executor.handle, { unsafe LoopCallback.call($0) }, callback.context)
        else { fatalError("no memory for a timer") }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe shim_timer_free(handle) }

    /// When to fire; `nil` removes the deadline. It stays set when it has passed.
    public var deadline: LoopInstant? {
        didSet {
            loop.checkThread()
            unsafe shim_timer_set(handle, deadline?.nanoseconds ?? 0)
        }
    }
}

extension EventLoop {
    /// Waits without blocking the thread. Returns early, without an error, when the task is cancelled.
    public func sleep(for interval: Duration) async {
        guard interval > .zero, !Task.isCancelled else { return }
        let latch = Latch(on: self)
        let timer = LoopTimer(on: self) { latch.open() }
        timer.deadline = now + interval
        await latch.waitUnlessCancelled()
        withExtendedLifetime(timer) {}
    }

    /// Waits until the events that are pending now have been handled.
    public func turn() async {
        let latch = Latch(on: self)
        let timer = LoopTimer(on: self) { latch.open() }
        timer.deadline = now
        await latch.wait()
        withExtendedLifetime(timer) {}
    }
}
