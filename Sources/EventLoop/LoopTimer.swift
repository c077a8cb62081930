import CLibevent

/// One deadline on the loop that costs nothing to move back.
///
/// Belongs to the loop's thread. Freed with its last reference, armed or not.
@safe public final class LoopTimer {
    private let loop: EventLoop
    private let handle: OpaquePointer
    private let box: Box

    private final class Box {
        let fire: () -> Void
        init(_ fire: @escaping () -> Void) { self.fire = fire }
    }

    /// Makes a timer without a deadline. `fire` is called on the loop when one passes; it should not hold its owner
    /// strongly.
    public init(on loop: EventLoop, _ fire: @escaping () -> Void) {
        self.loop = loop
        box = Box(fire)
        let context = unsafe Unmanaged.passUnretained(box).toOpaque()
        guard
            let handle = unsafe shim_timer_new(
                loop.executor.handle,
                { context in
                    let box = unsafe Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue()
                    box.fire()
                }, unsafe context)
        else { fatalError("no memory for a timer") }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe shim_timer_free(handle) }

    /// When to fire; `nil` takes the deadline away.
    public var deadline: LoopInstant? {
        didSet { unsafe shim_timer_set(handle, deadline?.nanoseconds ?? 0) }
    }
}

extension EventLoop {
    /// Waits on the loop, without a thread. Ends early, without an error, when the task is cancelled.
    public func sleep(for interval: Duration) async {
        guard interval > .zero, !Task.isCancelled else { return }
        let sleeper = Sleeper()
        let timer = LoopTimer(on: self) { sleeper.wake() }
        timer.deadline = now + interval
        await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { unsafe sleeper.wait($0) }
        } onCancel: {
            // As a rule it is done on the loop: by a client that left, or by shutting down.
            if executor.isCurrent { sleeper.wake() } else { executor.post([{ sleeper.wake() }]) }
        }
        withExtendedLifetime(timer) {}
    }

    /// Waits until the events that are here now were handled.
    public func turn() async {
        let sleeper = Sleeper()
        let timer = LoopTimer(on: self) { sleeper.wake() }
        timer.deadline = now
        unsafe await withUnsafeContinuation { unsafe sleeper.wait($0) }
        withExtendedLifetime(timer) {}
    }
}

/// A task that sleeps. `@unchecked Sendable`: touched on the loop's thread only.
@safe private final class Sleeper: @unchecked Sendable {
    private var continuation: UnsafeContinuation<Void, Never>?
    private var isAwake = false

    func wait(_ continuation: UnsafeContinuation<Void, Never>) {
        if isAwake { unsafe continuation.resume() } else { unsafe self.continuation = unsafe continuation }
    }

    func wake() {
        isAwake = true
        unsafe continuation?.resume()
        unsafe continuation = nil
    }
}
