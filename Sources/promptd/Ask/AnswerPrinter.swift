import APIs
import EventLoop
import Glibc
import HTTPClient
import JSON
import Ollama

/// Prints an answer as it comes. Belongs to the thread of the loop that receives it.
///
/// `@unchecked Sendable`: the loop runs on the thread that waits for its end, so no two threads use it at a time.
final class AnswerPrinter: ChatReceiver, @unchecked Sendable {
    /// Whether each token is printed at once, and not the whole answer at the end.
    private let isImmediate: Bool
    private(set) var text: [UInt8] = []
    private var printed = 0
    private var halves = HalfPairs()
    private var usage = TokenUsage()
    private let began = ContinuousClock.now
    private var firstTokenAt, lastTokenAt: ContinuousClock.Instant?

    init(isImmediate: Bool) { self.isImmediate = isImmediate }

    func begin(_ flow: BodyFlow) {}

    func mayHold(_ count: Int) -> Bool { true }

    func receive(_ part: borrowing ChatPart) {
        if part.hasContent || part.hasThinking {
            lastTokenAt = .now
            if firstTokenAt == nil { firstTokenAt = lastTokenAt }
        }
        part.appendText(to: &text, after: &halves)
        if part.isDone { usage = part.usage }
    }

    func endRead() -> Bool {
        if isImmediate { flush() }
        return true
    }

    /// The answer has ended, whole or not: prints what was not printed, and a line end.
    func end() {
        if let last = text.last, last != 0x0A { text.append(0x0A) }
        flush()
    }

    private func flush() {
        StandardStreams.write(Array(text[printed...]), to: STDOUT_FILENO)
        printed = text.count
    }

    /// Says how many tokens there were and how long they took.
    func printStats() {
        var words = ["\(usage.output.map { "\($0)" } ?? "?") tokens in \(Self.seconds(.now - began))"]
        if let input = usage.input { words.append("\(input) tokens of prompt") }
        if let firstTokenAt { words.append("first token after \(Self.seconds(firstTokenAt - began))") }
        if let output = usage.output, output > 1, let firstTokenAt, let lastTokenAt, lastTokenAt > firstTokenAt {
            let rate = Double(output - 1) / ((lastTokenAt - firstTokenAt) / .seconds(1))
            words.append("\((rate * 10).rounded() / 10) tokens/s")
        }
        StandardStreams.printError(words.joined(separator: ", "))
    }

    private static func seconds(_ duration: Duration) -> String {
        "\(((duration / .seconds(1)) * 1000).rounded() / 1000) s"
    }
}
