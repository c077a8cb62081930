extension EventLoop {
    /// Starts a task on the loop, and runs it until it waits for the first time. Loop's thread only.
    ///
    /// All tasks on the loop are started here, but for those of an HTTP request (`HTTPServer.Server`). The executor preference is essential: without it a
    /// continuation that resumes takes a detour through the global pool (10–25 µs instead of 0.3 µs).
    ///
    /// - Parameter operation: may use everything that belongs to the loop's thread.
    /// - Returns: the task, which any thread may cancel.
    @inlinable @discardableResult
    public nonisolated func startTask<Success: Sendable>(
        _ operation: @escaping () async -> Success
    ) -> Task<Success, Never> {
        checkThread()
        // `operation` never leaves the loop's thread: the caller is on it, as was just checked, and the task is
        // isolated to the loop, whose jobs run nowhere else.
        nonisolated(unsafe) let operation = operation
        return assumeIsolated { loop in
            Task.immediate(executorPreference: loop.executor) {
                _ = loop
                return unsafe await operation()
            }
        }
    }

    /// Ends the process unless the calling thread is the loop's: what belongs to the loop is not protected by a lock.
    @inlinable @inline(__always)
    public nonisolated func checkThread() { executor.checkThread() }
}
