/// An event that can happen repeatedly, with one task that waits for its next occurrence.
///
/// If the event happens while no task waits, it is remembered, once: the next wait returns immediately. Belongs to the
/// loop's thread.
///
/// `@safe`: the continuation is resumed exactly once, since `signal` removes it and `wait` never replaces one.
@safe package final class AutoResetEvent {
    private let loop: EventLoop
    private var continuation: UnsafeContinuation<Void, Never>?
    /// Whether it has happened since the last wait.
    private var hasHappened = false

    package init(on loop: EventLoop) {
        loop.checkThread()
        self.loop = loop
    }

    /// Resumes the waiting task. If no task waits, the next wait returns immediately.
    package func signal() {
        loop.checkThread()
        hasHappened = unsafe continuation == nil
        unsafe continuation?.resume()
        unsafe continuation = nil
    }

    /// Waits until the event happens. One task at a time may wait.
    package func wait() async {
        loop.checkThread()
        unsafe await withUnsafeContinuation { continuation in
            // This may run as a separate job. An event may come before it, and must not be missed.
            if hasHappened {
                hasHappened = false
                return unsafe continuation.resume()
            }
            unsafe precondition(self.continuation == nil, "Only one task at a time may wait for an event.")
            unsafe self.continuation = unsafe continuation
        }
    }
}
