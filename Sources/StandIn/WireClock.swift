internal import EventLoop
internal import FoundationEssentials

/// The time of day in Ollama's format. It is formatted once per turn of the loop, regardless of the number of tokens.
///
/// Belongs to the loop's thread.
final class WireClock {
    private let loop: EventLoop
    private var last: (turn: LoopInstant, text: String)?

    init(on loop: EventLoop) { self.loop = loop }

    /// The current time in seconds since 1970.
    var seconds: Int { Int(Date().timeIntervalSince1970) }

    /// The current time, accurate to one turn.
    var text: String {
        let turn = loop.now
        if let last, last.turn == turn { return last.text }
        let text = Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z"
        last = (turn, text)
        return text
    }
}
