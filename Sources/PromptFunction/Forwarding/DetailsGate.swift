internal import EventLoop

/// Lets few requests for details of models run at once, because each answer may have megabytes. The others wait for
/// their turn. Belongs to the loop's thread.
final class DetailsGate {
    /// Maximum requests that run at the same time.
    static let mostAtOnce = 4
    /// Maximum requests that wait.
    static let mostWaiting = 1024

    private let loop: EventLoop
    private var running = 0
    private var waiting: [Waiter] = []

    private final class Waiter {
        let latch: Latch
        var isAdmitted = false

        init(on loop: EventLoop) { latch = Latch(on: loop) }
    }

    init(on loop: EventLoop) { self.loop = loop }

    /// Waits for the turn. Returns false if too many wait, or this task is cancelled; otherwise `leave` must be called.
    func enter() async -> Bool {
        if running < Self.mostAtOnce {
            running += 1
            return true
        }
        guard waiting.count < Self.mostWaiting else { return false }
        let waiter = Waiter(on: loop)
        waiting.append(waiter)
        await waiter.latch.waitUnlessCancelled()
        if !waiter.isAdmitted { waiting.removeAll { $0 === waiter } }
        return waiter.isAdmitted
    }

    func leave() {
        guard !waiting.isEmpty else {
            running -= 1
            return
        }
        let next = waiting.removeFirst()  // takes the place of the one that leaves
        next.isAdmitted = true
        next.latch.open()
    }
}
