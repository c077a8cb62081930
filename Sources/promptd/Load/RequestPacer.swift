import EventLoop

/// One request to send.
struct ScheduledRequest: Sendable {
    /// Counts from 1.
    let number: Int
    let due: LoopInstant
}

/// Lets the requests of a run go when they are due, each on a connection that is free. Belongs to the loop's thread.
///
/// Requests that no connection was free for stay due: the next free one takes the oldest. The timer's resolution is a
/// millisecond; being late by it counts as latency.
final class RequestPacer {
    private var schedule: Schedule
    private let start: LoopInstant
    private var waiting: [CheckedContinuation<ScheduledRequest?, Never>] = []
    private var timer: LoopTimer?
    private var isClosed = false

    init(_ schedule: Schedule, start: LoopInstant, on loop: EventLoop) {
        self.schedule = schedule
        self.start = start
        timer = LoopTimer(on: loop) { [unowned self] in letGo() }
    }

    /// Waits for the next request to send; `nil` when there are no more.
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

    /// Gives what is due to those that wait.
    private func letGo() {
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

    /// There are no more requests.
    func close() {
        isClosed = true
        for continuation in waiting { continuation.resume(returning: nil) }
        waiting.removeAll()
        timer = nil
    }
}
