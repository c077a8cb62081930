import EventLoop

/// Measures the times of one answer's tokens.
///
/// The loop reads a connection once per turn, so tokens of the same turn arrived in one read(2), and the time between
/// them counts as zero.
struct TokenClock {
    private let due: LoopInstant
    private var last: (turn: LoopInstant, time: LoopInstant)?

    init(due: LoopInstant) { self.due = due }

    /// Records a token that arrived in the turn that began at `turn`.
    mutating func tick(_ turn: LoopInstant, _ measurements: Measurements, now: () -> LoopInstant = { .current }) {
        measurements.tokens += 1
        guard let last else {
            let time = now()
            measurements.firstToken.record(time - due)
            self.last = (turn, time)
            return
        }
        if last.turn == turn {
            measurements.tokenGap.record(.zero)
        } else {
            let time = now()
            measurements.tokenGap.record(time - last.time)
            self.last = (turn, time)
        }
    }
}
