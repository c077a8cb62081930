public import EventLoop
import Foundation
import Glibc

/// An event loop on a thread of its own, for one test.
public final class LoopThread: Sendable {
    public let loop: EventLoop
    private let thread: pthread_t
    private let end: Gate

    /// What the new thread is given.
    private final class Start: Sendable {
        let loop: EventLoop
        let end: Gate
        init(_ loop: EventLoop, _ end: Gate) { (self.loop, self.end) = (loop, end) }

        func runLoop() {
            let main: @Sendable (isolated EventLoop) async -> Void = { [end] loop in
                _ = loop
                await end.wait()
            }
            loop.run(main)
        }
    }

    public init() throws {
        loop = try EventLoop()
        end = Gate()
        let start = Unmanaged.passRetained(Start(loop, end))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                let start = Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
                start.runLoop()
                return nil
            }, start.toOpaque())
        guard code == 0 else { throw POSIXError(.EAGAIN) }
        self.thread = thread
    }

    /// Ends the loop, and returns when its thread is no more.
    public func stop() async {
        end.open()
        _ = try? await offLoop { [thread] in _ = pthread_join(thread, nil) }
    }
}

/// Runs `body` in the isolation of a new loop, as part of the calling test's task, and ends the loop.
public func onLoop<Result: Sendable>(
    _ body: @Sendable (isolated EventLoop) async throws -> Result
) async throws -> Result {
    let thread = try LoopThread()
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
public func offLoop<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Swift.Result { try body() }) }
        thread.stackSize = 1 << 20
        thread.start()
    }
}
