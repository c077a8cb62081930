import Dispatch

/// Takes slow, synchronous work off the loop: to Dispatch, and back with the result.
///
/// Small pieces of work are gathered and given to Dispatch at the end of a turn of the loop, when the batch before has come
/// back: a block per request would cost 15–19 µs of CPU and two futex calls each under load. Big ones go as blocks of
/// their own to a concurrent queue, so that they hold up no batch.
///
/// Belongs to the loop's thread.
public final class WorkQueue {
    /// Work whose `weight` is more than this many bytes does not wait for, or hold up, a batch.
    public static let batchLimit = 64 * 1024

    private let loop: EventLoop
    private let serial = DispatchQueue(label: "promptd.batch")
    private let concurrent = DispatchQueue(label: "promptd.big", attributes: .concurrent)
    private var batch: [Work] = []
    /// Pieces of one batch: results come back, and memory is freed, before thousands are done.
    private static let piecesPerBatch = 64
    /// Whether a batch is with Dispatch.
    private var isBatchRunning = false

    /// Does the work, on whatever thread, and returns how to tell the result on the loop.
    private typealias Work = @Sendable () -> @Sendable () -> Void

    public init(on loop: EventLoop) {
        loop.checkThread()
        self.loop = loop
        loop.executor.onTurnEnd { [weak self] in self?.dispatchBatch() }
    }

    /// Runs `work` on a Dispatch thread and returns what it returns.
    ///
    /// - Parameter weight: how many bytes it works on, about.
    public func run<Result: Sendable>(weight: Int, _ work: @escaping @Sendable () -> Result) async -> Result {
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Result, Never>) in
            let piece: Work = {
                let result = work()
                return { unsafe continuation.resume(returning: result) }
            }
            if weight > Self.batchLimit {
                concurrent.async { [loop] in
                    loop.executor.post([piece()])
                }
            } else {
                batch.append(piece)
            }
        }
    }

    private func dispatchBatch() {
        guard !batch.isEmpty, !isBatchRunning else { return }
        isBatchRunning = true
        let pieces = Array(batch.prefix(Self.piecesPerBatch))
        batch.removeFirst(pieces.count)
        // Dispatch only holds the reference: the call that uses it is posted to the loop, where the queue belongs.
        nonisolated(unsafe) let queue = self
        serial.async { [loop] in
            loop.executor.post([{ unsafe queue.isBatchRunning = false }] + pieces.map { $0() })
        }
    }
}
