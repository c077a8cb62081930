internal import EventLoop
internal import FoundationEssentials

/// The time of day as Ollama writes it: made into text once a turn of the loop, however many tokens the turn has.
///
/// Belongs to the loop's thread.
final class WireClock {
    private let loop: EventLoop
    private var last: (turn: LoopInstant, text: String)?

    init(on loop: EventLoop) { self.loop = loop }

    /// Now, give or take a turn.
    var text: String {
        let turn = loop.now
        if let last, last.turn == turn { return last.text }
        let text = Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z"
        last = (turn, text)
        return text
    }
}
