import CLibevent

/// A signal that is handled on the loop, as long as this object lives. Belongs to the loop's thread.
@safe public final class LoopSignal {
    private let loop: EventLoop
    private let handle: OpaquePointer
    private let box: Box

    private final class Box {
        let fire: () -> Void
        init(_ fire: @escaping () -> Void) { self.fire = fire }
    }

    /// Has `fire` called on the loop for each signal `number` (signal(7)).
    ///
    /// - Throws: `EventLoopError` when the system refuses to install the handler.
    public init(_ number: CInt, on loop: EventLoop, _ fire: @escaping () -> Void) throws(EventLoopError) {
        self.loop = loop
        box = Box(fire)
        let context = unsafe Unmanaged.passUnretained(box).toOpaque()
        let handle = unsafe shim_signal_new(
            loop.executor.handle, number,
            { context, _ in unsafe Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue().fire() }, unsafe context)
        guard let handle = unsafe handle else { throw .unavailable(errno: 0) }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe shim_signal_free(handle) }

    /// Ignores SIGPIPE for the whole process: a peer that left is an error of `send(2)`, not the end.
    public static func ignoreBrokenPipes() { shim_ignore_sigpipe() }
}
