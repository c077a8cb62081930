import EventLoop
import Glibc
import HTTPClient

/// A line on a terminal that shows the progress of a load run. Belongs to the loop's thread.
final class ProgressLine {
    private static let interval = Duration.milliseconds(500)

    private let run: LoadRun
    private var timer: LoopTimer?
    private var lastAnswered = 0
    private var lastTime = LoopInstant.current

    /// `nil` if standard error is not a terminal.
    init?(of run: LoadRun) {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
        self.run = run
        timer = LoopTimer(on: run.loop) { [unowned self] in show() }
        timer?.deadline = run.loop.now + Self.interval
    }

    private func show() {
        let now = LoopInstant.current
        let rate = Double(run.measurements.answered - lastAnswered) / ((now - lastTime) / .seconds(1))
        Self.write("\r\u{1B}[K" + Self.text(run, rate: rate))
        (lastAnswered, lastTime) = (run.measurements.answered, now)
        timer?.deadline = run.loop.now + Self.interval
    }

    private static func text(_ run: LoadRun, rate: Double) -> String {
        let measured = run.measurements
        guard measured.start != nil else {
            return "opening connections: \(run.origin.connectionsOpened) of \(run.plan.connections)"
        }
        let seconds = measured.elapsed(at: .current) / .seconds(1)
        let tokens = measured.tokens > 0 ? ", \(measured.tokens) tokens" : ""
        return """
            \(Int(seconds)) s: \(measured.answered) answered, \(Int(rate))/s\(tokens), \
            \(run.origin.requestsInFlight) in flight, \(measured.failed) failed
            """
    }

    /// Erases the line.
    func clear() {
        timer = nil
        Self.write("\r\u{1B}[K")
    }

    private static func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
