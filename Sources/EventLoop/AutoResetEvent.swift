/// An event that can happen repeatedly, with one task that waits for its next occurrence.
///
/// If the event happens while no task waits, it is remembered, once: the next wait returns immediately. Belongs to the
/// loop's thread.
@safe package final class AutoResetEvent {
    private var continuation: UnsafeContinuation<Void, Never>?
    /// Whether it has happened since the last wait.
    private var hasHappened = false

    package init() {}

    /// Resumes the waiting task. If no task waits, the next wait returns immediately.
    package func signal() {
        hasHappened = unsafe continuation == nil
        unsafe continuation?.resume()
        unsafe continuation = nil
    }

    /// Waits until the event happens. One task at a time may wait.
    package func wait() async {
        unsafe await withUnsafeContinuation { continuation in
            // This may run as a separate job. An event may come before it, and must not be missed.
            if hasHappened { unsafe continuation.resume() } else { unsafe self.continuation = unsafe continuation }
            hasHappened = false
        }
    }
}
