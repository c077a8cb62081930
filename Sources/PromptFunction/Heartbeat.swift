internal import EventLoop

/// Makes a call after each silence of a given length, until it is released. Belongs to the loop's thread.
final class Heartbeat {
    private let interval: Duration
    private let loop: EventLoop
    private var timer: LoopTimer?

    /// - Parameters:
    ///   - interval: the length of the silence, above zero.
    ///   - beat: it should not hold its owner strongly.
    init(every interval: Duration, on loop: EventLoop, _ beat: @escaping () -> Void) {
        self.interval = interval
        self.loop = loop
        timer = LoopTimer(on: loop) { [unowned self] in
            postpone()
            beat()
        }
        postpone()
    }

    /// Notes that the silence was broken: the interval begins again.
    func postpone() { timer?.deadline = loop.now + interval }
}
