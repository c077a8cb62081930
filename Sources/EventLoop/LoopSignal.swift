import CLibevent
import Glibc

/// Handles a signal on the loop, as long as this object exists. Belongs to the loop's thread.
///
/// `@safe`: `handle` lives as long as the object, and the callback that C points to as long as `handle`.
@safe public final class LoopSignal {
    private let loop: EventLoop
    private let handle: OpaquePointer
    private let callback: LoopCallback

    /// Calls `fire` on the loop for each signal `number` (signal(7)).
    ///
    /// - Throws: `EventLoopError` when the system does not install the handler.
    public init(_ number: CInt, on loop: EventLoop, _ fire: @escaping () -> Void) throws(EventLoopError) {
        loop.checkThread()
        self.loop = loop
        callback = LoopCallback(loop.executor, fire)
        guard
            let handle = unsafe shim_signal_new(
                loop.executor.handle, number, { context, _ in unsafe LoopCallback.call(context) }, callback.context)
        else { throw .signalRefused(number: number, errno: errno) }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe shim_signal_free(handle) }

    /// Ignores SIGPIPE for the whole process: writing to a closed connection then fails in `send(2)` and does not end
    /// the process.
    public static func ignoreBrokenPipes() { shim_ignore_sigpipe() }
}
