package import EventLoop
import Foundation
import Glibc

/// An event loop on a thread of its own, for one test.
package final class LoopThread: Sendable {
    package let loop: EventLoop
    private let thread: pthread_t
    private let end: Gate

    private init(_ loop: EventLoop, _ thread: pthread_t, _ end: Gate) {
        (self.loop, self.thread, self.end) = (loop, thread, end)
    }

    /// Makes a loop, and returns when it runs: until then the thread that made it counts as its thread.
    package static func start(clock: LoopClock = .monotonic) async throws -> LoopThread {
        let end = Gate(), running = Gate()
        let loop = try EventLoop(clock: clock)
        let start = unsafe Unmanaged.passRetained(Start(loop, running, end))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                unsafe Unmanaged<Start>.fromOpaque(context!).takeRetainedValue().runLoop()
                return nil
            }, unsafe start.toOpaque())
        guard code == 0 else { throw POSIXError(.EAGAIN) }
        await running.wait()
        return LoopThread(loop, thread, end)
    }

    /// What the new thread is given.
    private final class Start: Sendable {
        let loop: EventLoop
        let running: Gate
        let end: Gate

        init(_ loop: EventLoop, _ running: Gate, _ end: Gate) {
            (self.loop, self.running, self.end) = (loop, running, end)
        }

        func runLoop() {
            let main: @Sendable (isolated EventLoop) async -> Void = { [running, end] loop in
                _ = loop
                running.open()
                await end.wait()
            }
            loop.run(main)
        }
    }

    /// Ends the loop, and returns when its thread is no more.
    package func stop() async {
        end.open()
        _ = try? await offLoop { [thread] in pthread_join(thread, nil) }
    }
}

/// Runs `body` in the isolation of a new loop, as part of the calling test's task, and ends the loop.
package func onLoop<Result: Sendable>(
    clock: LoopClock = .monotonic, _ body: @Sendable (isolated EventLoop) async throws -> Result
) async throws -> Result {
    let thread = try await LoopThread.start(clock: clock)
    do {
        let result = try await withTaskExecutorPreference(thread.loop.executor) { try await body(thread.loop) }
        await thread.stop()
        return result
    } catch {
        await thread.stop()
        throw error
    }
}

/// Runs `body`, which blocks, on a thread of its own: neither on the loop nor on Swift's few threads.
@discardableResult
package func offLoop<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Swift.Result { try body() }) }
        thread.stackSize = 1 << 20
        thread.start()
    }
}
