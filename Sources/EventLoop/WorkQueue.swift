import Dispatch

/// Runs slow, synchronous work on Dispatch threads instead of the loop, and brings the result back to the loop.
///
/// Small pieces of work are collected into a batch, which goes to Dispatch at the end of a turn of the loop, once the
/// previous batch has come back. One block per request would cost 15–19 µs of CPU and two futex calls for each request
/// under load. A larger piece is a block of its own, so that it does not delay a batch. Of the largest ones, only one
/// runs at a time, because each takes several times its size in memory.
///
/// Belongs to the loop's thread.
public final class WorkQueue {
    /// Work with a `weight` above this many bytes runs as its own block, outside the batches.
    package static let batchLimit = 64 * 1024
    /// Work with a `weight` above this many bytes runs after other such work.
    package static let concurrentLimit = 1024 * 1024

    private let loop: EventLoop
    private let serial = DispatchQueue(label: "promptd.batch")
    private let concurrent = DispatchQueue(label: "promptd.larger", attributes: .concurrent)
    private let serialLargest = DispatchQueue(label: "promptd.largest")
    private var batch: [Work] = []
    /// Maximum pieces in one batch, so that results come back and memory is freed early, not only after thousands of
    /// pieces.
    private static let piecesPerBatch = 64
    /// Pieces of work whose results have not come back. A loop that ends before they do never frees their tasks.
    package private(set) var outstanding = 0
    /// Whether a batch is running on Dispatch.
    private var isBatchRunning = false

    /// Does the work on any thread, and returns a closure that delivers the result on the loop.
    private typealias Work = @Sendable () -> @Sendable () -> Void

    /// Makes a queue, usually one for each loop.
    public init(on loop: EventLoop) {
        loop.checkThread()
        self.loop = loop
    }

    /// Runs `work` on a Dispatch thread and returns its result.
    ///
    /// - Parameter weight: roughly how many bytes it processes.
    public func run<Result: Sendable>(weight: Int, _ work: @escaping @Sendable () -> Result) async -> Result {
        outstanding += 1
        defer { outstanding -= 1 }
        // Resumed exactly once: each piece of work is called once, and so is the closure that it returns.
        return unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Result, Never>) in
            let piece: Work = {
                let result = work()
                return { unsafe continuation.resume(returning: result) }
            }
            if weight <= Self.batchLimit {
                if batch.isEmpty && !isBatchRunning { loop.executor.dispatchAtTurnEnd(self) }
                batch.append(piece)
            } else {
                let queue = weight <= Self.concurrentLimit ? concurrent : serialLargest
                queue.async { [loop] in loop.executor.post([piece()]) }
            }
        }
    }

    /// Begins with the pieces that were collected.
    func dispatchBatch() {
        isBatchRunning = true
        let pieces = Array(batch.prefix(Self.piecesPerBatch))
        batch.removeFirst(pieces.count)
        // Dispatch only holds the reference: the call that uses it is posted to the loop's thread, to which the queue
        // belongs.
        nonisolated(unsafe) let queue = self
        serial.async { [loop] in
            loop.executor.post([{ unsafe queue.batchEnded() }] + pieces.map { $0() })
        }
    }

    private func batchEnded() {
        isBatchRunning = false
        if !batch.isEmpty { loop.executor.dispatchAtTurnEnd(self) }
    }
}
