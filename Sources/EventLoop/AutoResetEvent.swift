/// An event that happens again and again, and one task that waits for the next time.
///
/// An event that happens while nobody waits is remembered, once: the next wait returns at once. Belongs to the loop's
/// thread.
@safe package final class AutoResetEvent {
    private var continuation: UnsafeContinuation<Void, Never>?
    /// Whether it has happened since the last wait.
    private var hasHappened = false

    package init() {}

    /// Resumes the task that waits; without one, the next wait returns at once.
    package func signal() {
        hasHappened = unsafe continuation == nil
        unsafe continuation?.resume()
        unsafe continuation = nil
    }

    /// Waits until the event happens. One task at a time may wait.
    package func wait() async {
        unsafe await withUnsafeContinuation { continuation in
            // This may be a job of its own: an event may come before it, and must not be missed.
            if hasHappened { unsafe continuation.resume() } else { unsafe self.continuation = unsafe continuation }
            hasHappened = false
        }
    }
}
