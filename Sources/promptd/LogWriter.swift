import Dispatch
import Logging
import Synchronization

/// Writes log lines to a descriptor on a thread of its own, so that a log which nobody reads never blocks the loop.
///
/// Lines wait in a buffer of at most `limit` bytes. A line that does not fit, or that the system does not take, is lost;
/// a later line says how many were. Usable on any thread.
final class LogWriter: Sendable {
    /// The time that `flush` waits at most.
    private static let patience = DispatchTimeInterval.seconds(1)

    private let descriptor: CInt
    private let limit: Int
    private let report: @Sendable (Int) -> [UInt8]
    /// Its thread may block in write(2).
    private let queue = DispatchQueue(label: "promptd.log")
    private let state = Mutex(State())
    /// The place of `level` among all.
    private let levelIndex: Atomic<Int>

    private struct State {
        var waiting: [UInt8] = []
        /// Lines in `waiting`.
        var lines = 0
        /// Lines that were lost since the last report.
        var lost = 0
        /// Lines that were lost since the start.
        var lostInAll = 0
        /// Whether `queue` writes, or is about to.
        var isWriting = false
    }

    /// - Parameters:
    ///   - level: see `level`.
    ///   - descriptor: stays open as long as the process writes log lines.
    ///   - limit: bytes of lines that may wait.
    ///   - report: makes the line that says how many lines were lost.
    init(
        _ descriptor: CInt, from level: Logger.Level = .info, limit: Int = 1 << 20,
        report: @escaping @Sendable (Int) -> [UInt8]
    ) {
        levelIndex = Atomic(Self.index(of: level))
        self.descriptor = descriptor
        self.limit = limit
        self.report = report
    }

    /// The lowest level of lines that are to be written, which handlers ask for. It may change at any time.
    var level: Logger.Level {
        get { Logger.Level.allCases[levelIndex.load(ordering: .relaxed)] }
        set { levelIndex.store(Self.index(of: newValue), ordering: .relaxed) }
    }

    private static func index(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }

    /// Adds a line, with its line end. Never blocks.
    func write(_ line: [UInt8]) {
        let mustStart = state.withLock { state in
            guard state.waiting.count + line.count <= limit else {
                state.lost += 1
                state.lostInAll += 1
                return false
            }
            state.waiting += line
            state.lines += 1
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { queue.async { self.writeWaiting() } }
    }

    /// The number of lines that were lost since the start.
    var lostLines: Int { state.withLock(\.lostInAll) }

    /// Waits until all lines are written, for at most a second: the process may be about to end.
    func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + Self.patience)
    }

    /// Writes until nothing waits.
    private func writeWaiting() {
        while let batch = takeBatch() {
            if StandardStreams.write(batch.bytes, to: descriptor) { continue }
            // The next line tries again: the disk may have room by then.
            state.withLock { state in
                state.lost += batch.lines + batch.lost
                state.lostInAll += batch.lines
                state.isWriting = false
            }
            return
        }
    }

    /// Takes what waits, and the report of what was lost. If there is neither, writing is over.
    private func takeBatch() -> (bytes: [UInt8], lines: Int, lost: Int)? {
        let taken = state.withLock { state in
            let taken = state
            state = State()
            state.lostInAll = taken.lostInAll
            state.isWriting = taken.lines + taken.lost > 0
            return taken
        }
        guard taken.lines + taken.lost > 0 else { return nil }
        let bytes = taken.lost == 0 ? taken.waiting : taken.waiting + report(taken.lost)
        return (bytes, taken.lines, taken.lost)
    }
}
