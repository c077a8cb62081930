import APIs
import HTTPClient
import JSON
import Ollama

@testable import PromptFunction

/// What a stream of Ollama's objects says, in every form that a client can get it.
final class RecordedAnswer: ChatReceiver {
    private(set) var text: [UInt8] = []
    private(set) var objects: [[UInt8]] = []
    private(set) var events: [UInt8] = []
    private(set) var parts: [Part] = []
    // Halves of surrogate pairs at the end of each form.
    private var textHalves = HalfPairs(), objectHalves = HalfPairs(), eventHalves = HalfPairs()

    /// What one part of the answer says of itself.
    struct Part: Equatable {
        let isDone, hasContent, hasThinking, hasToolCalls, isCutByLength: Bool
        let tokens: Int?
        let textEnd: Int  // how much of the text there is after it
    }

    func mayHold(_ count: Int) -> Bool { true }

    func begin(_ flow: BodyFlow) {}

    func receive(_ part: borrowing ChatPart) throws(OllamaError) {
        part.appendText(to: &text, after: &textHalves)
        var object: [UInt8] = []
        part.appendObject(to: &object, after: &objectHalves)
        objects.append(object)
        EventWriter.append(part, to: &events, after: &eventHalves)
        parts.append(
            Part(
                isDone: part.isDone, hasContent: part.hasContent, hasThinking: part.hasThinking,
                hasToolCalls: part.hasToolCalls, isCutByLength: part.isCutByLength, tokens: part.usage.output,
                textEnd: text.count))
    }

    func endRead() -> Bool { true }
}

extension RecordedAnswer: Equatable {
    static func == (one: RecordedAnswer, other: RecordedAnswer) -> Bool {
        one.text == other.text && one.objects == other.objects && one.events == other.events && one.parts == other.parts
    }
}
