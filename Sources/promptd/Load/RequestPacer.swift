import EventLoop

/// One request to send.
struct ScheduledRequest: Sendable {
    /// The request's number, counted from 1.
    let number: Int
    let due: LoopInstant
}

/// Releases the requests of a run when they are due, each to a free connection. Belongs to the loop's thread.
///
/// A request stays due while no connection is free; the next free connection takes the oldest one. The timer's
/// resolution is a millisecond. If the timer is late, the delay counts as latency.
final class RequestPacer {
    private var schedule: Schedule
    private let start: LoopInstant
    private var waiting: [CheckedContinuation<ScheduledRequest?, Never>] = []
    private var timer: LoopTimer?
    private var isClosed = false

    init(_ schedule: Schedule, start: LoopInstant, on loop: EventLoop) {
        self.schedule = schedule
        self.start = start
        timer = LoopTimer(on: loop) { [unowned self] in releaseDue() }
    }

    /// Waits for the next request to send; `nil` if there are no more.
    func next() async -> ScheduledRequest? {
        if isClosed { return nil }
        switch schedule.take(at: .current - start) {
        case .send(let number, let due): return ScheduledRequest(number: number, due: start + due)
        case .over: return nil
        case .wait(let due):
            timer?.deadline = start + due
            return await withCheckedContinuation { waiting.append($0) }
        }
    }

    /// Gives the due requests to the waiting connections.
    private func releaseDue() {
        while let last = waiting.last {
            switch schedule.take(at: .current - start) {
            case .send(let number, let due):
                waiting.removeLast()
                last.resume(returning: ScheduledRequest(number: number, due: start + due))
            case .wait(let due):
                timer?.deadline = start + due
                return
            case .over: return close()
            }
        }
    }

    /// Handles the end of the schedule: there are no more requests.
    func close() {
        isClosed = true
        for continuation in waiting { continuation.resume(returning: nil) }
        waiting.removeAll()
        timer = nil
    }
}
