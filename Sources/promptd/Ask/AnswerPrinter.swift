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
    /// Whether it goes to a terminal, which the answer must not control.
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    /// Whether the text is needed after it was printed.
    private let keepsText: Bool
    /// Whether all of it could be printed.
    private(set) var isPrinted = true
    private(set) var text: [UInt8] = []
    private var printed = 0
    private var halves = HalfPairs()
    private var usage = TokenUsage()
    private let began = ContinuousClock.now
    private var firstTokenAt, lastTokenAt: ContinuousClock.Instant?

    /// - Parameters:
    ///   - isImmediate: whether each token is printed at once, and not the whole answer at the end.
    ///   - keepsText: whether the text is needed after it was printed.
    init(isImmediate: Bool, keepsText: Bool = false) {
        self.isImmediate = isImmediate
        self.keepsText = keepsText
    }

    func begin(_ flow: BodyFlow) {}

    func mayHold(_ count: Int) -> Bool { true }

    func receive(_ part: borrowing ChatPart) throws(OllamaError) {
        if !isPrinted { throw .transport(.cancelled) }  // nobody reads the rest
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

    /// The answer has ended: prints what was not printed, and a line end. A part of one is printed only if it is printed
    /// as it comes: whoever reads it elsewhere could take it for the whole.
    func end(isWhole: Bool = true) {
        if !isWhole && !isImmediate { return }
        if let last = text.last, last != 0x0A { text.append(0x0A) }
        flush()
    }

    private func flush() {
        var new = Array(text[printed...])
        if isTerminal { Self.disarm(&new) }
        if isPrinted { isPrinted = StandardStreams.write(new, to: STDOUT_FILENO) }
        printed = text.count
        if !keepsText, let last = text.last {
            text = [last]  // for the line end
            printed = 1
        }
    }

    /// Replaces what controls a terminal: all control characters but line feeds and tabs.
    static func disarm(_ text: inout [UInt8]) {
        for index in text.indices {
            let byte = text[index]
            if (byte < 0x20 && byte != 0x0A && byte != 0x09) || byte == 0x7F { text[index] = UInt8(ascii: "?") }
            // U+0080 to U+009F.
            if (0x80...0x9F).contains(byte), index > 0, text[index - 1] == 0xC2 {
                text[index - 1] = UInt8(ascii: "?")
                text[index] = UInt8(ascii: "?")
            }
        }
    }

    static let unwritten = "the answer could not be written to standard output."

    /// Says how many tokens there were and how long they took.
    func printStats() {
        var words = ["\(usage.output.map { "\($0)" } ?? "?") tokens in \(Self.seconds(.now - began))"]
        if let input = usage.input { words.append("\(input) tokens of prompt") }
        if let firstTokenAt { words.append("first token after \(Self.seconds(firstTokenAt - began))") }
        if let output = usage.output, output > 1, let firstTokenAt, let lastTokenAt,
            lastTokenAt - firstTokenAt >= Self.leastTime
        {
            let rate = Double(output - 1) / ((lastTokenAt - firstTokenAt) / .seconds(1))
            words.append("\((rate * 10).rounded() / 10) tokens/s")
        }
        StandardStreams.printError(words.joined(separator: ", "))
    }

    /// Tokens that come faster have waited somewhere, so that their time says nothing.
    private static let leastTime = Duration.milliseconds(5)

    private static func seconds(_ duration: Duration) -> String {
        "\(((duration / .seconds(1)) * 1000).rounded() / 1000) s"
    }
}
