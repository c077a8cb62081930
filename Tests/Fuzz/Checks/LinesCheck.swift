import HTTPClient
import JSON

@testable import Ollama
@testable import promptd

/// Reads the bytes as Ollama's stream of objects, and as a stream of events: at once, and in pieces. The first byte
/// decides how they are cut. What is written from the objects is read again.
enum LinesCheck {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        guard let seed = bytes.first else { return }
        let input = bytes.dropFirst()
        let whole = readObjects([input])
        let wholeEvents = readEvents([input])
        for seed in [1, UInt32(seed) + 2] {
            var splitter = Splitter(seed: seed)
            let pieces = splitter.pieces(of: input)
            let cut = readObjects(pieces)
            try require(
                cut.error == whole.error, "cut by \(seed): \(cut.error ?? "complete"), not \(whole.error ?? "complete")"
            )
            try require(cut.answer == whole.answer, "cut by \(seed): another answer")
            try require(readEvents(pieces) == wholeEvents, "cut by \(seed): other events")
        }
        let events = StreamEvent.all(in: input)
        try require(wholeEvents.starts(with: events), "other events than a simple reader finds: \(events)")
        try require(wholeEvents.count <= events.count + 1, "more events than a simple reader finds")
        try checkObjects(whole.answer, input)
        try checkEvents(of: whole.answer)
    }

    /// The answer in the pieces, and why it is not complete.
    private static func readObjects(_ pieces: [ArraySlice<UInt8>]) -> (answer: RecordedAnswer, error: String?) {
        let answer = RecordedAnswer()
        let reader = ChatReader(answer)
        for piece in pieces {
            unsafe piece.withCopy { reader.receive(unsafe Span(_unsafeBytes: $0)) }
            if case .stop = reader.endRead() { break }
        }
        do throws(OllamaError) {
            try reader.end()
            return (answer, nil)
        } catch {
            return (answer, "\(error)")
        }
    }

    /// The events in the pieces; the last one stands for what has not ended.
    private static func readEvents(_ pieces: [ArraySlice<UInt8>]) -> [StreamEvent] {
        var reader = EventReader()
        var events: [StreamEvent] = []
        for piece in pieces {
            let isReadable = unsafe piece.withCopy { bytes in
                unsafe reader.read(bytes) { unsafe events.append(StreamEvent(name: $0, data: Array($1))) }
            }
            if !isReadable { events.append(StreamEvent(name: "too long", data: [])) }
        }
        if !reader.isBetweenEvents { events.append(StreamEvent(name: "not ended", data: [])) }
        return events
    }

    /// Each part of the answer says what a simple reader finds in its line; its object is the line but for halves of
    /// surrogate pairs in the content.
    private static func checkObjects(_ answer: RecordedAnswer, _ input: ArraySlice<UInt8>) throws(Finding) {
        let isBlank: (ArraySlice<UInt8>) -> Bool = { $0.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
        let lines = input.split(separator: 0x0A).filter { !isBlank($0) }
        try require(lines.count >= answer.parts.count, "more parts than lines")
        var text: [UInt8] = []
        var half: UInt16?
        for (index, part) in answer.parts.enumerated() {
            guard let line = ReferenceJSON.parse(lines[index]),
                let content = line.content ?? (part.isDone && index > 0 && line.hasNoMessage ? [] : nil)
            else { throw Finding("an object without a message, or with a content that is no text, is accepted") }
            try require(part.hasContent == !content.isEmpty, "content: \(part.hasContent)")
            var units = (half.map { [$0] } ?? []) + content
            half = nil
            if let high = units.last, UTF16.isLeadSurrogate(high), !part.isDone { half = units.removeLast() }
            let added = Array(String(decoding: units, as: UTF16.self).utf8)
            text += added
            try require(
                part.textEnd == text.count, "a part with \(part.textEnd) instead of \(text.count) bytes of text")
            try checkObject(answer.objects[index], line, content.isEmpty ? [] : added)
        }
        try require(answer.text == text, "another text than a simple reader finds")
        for part in answer.parts.dropLast() { try require(!part.isDone, "a part after the last one") }
    }

    private static func checkObject(
        _ object: [UInt8], _ line: ReferenceJSON, _ added: [UInt8]
    ) throws(Finding) {
        // Before the last object, one may stand with what the halves at the end become.
        let last = object.split(separator: 0x0A).last { !$0.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
        guard let found = ReferenceJSON.parse(last ?? []),
            let content = found.content ?? (found.hasNoMessage ? [] : nil)
        else { throw Finding("an object that is no JSON, or has no message") }
        if !added.isEmpty {
            let text = Array(String(decoding: content, as: UTF16.self).utf8)
            try require(text == added, "an object with another content")
        }
        // Halves of surrogate pairs are replaced; in thinking they may be joined with those of other lines.
        try require(
            found.withoutContent.withoutHalves == line.withoutContent.withoutHalves, "an object with other members")
    }

    /// The events written from the answer are events with valid JSON, and have its text.
    private static func checkEvents(of answer: RecordedAnswer) throws(Finding) {
        var text: [UInt16] = []
        var ends = 0
        for event in readEvents([answer.events[...]]) {
            guard case .object(let members)? = ReferenceJSON.parse(event.data) else {
                let data = String(decoding: event.data, as: UTF8.self)
                throw Finding("an event that is no JSON object: \(event.name) \(data)")
            }
            switch event.name {
            case "done": ends += 1
            case "":
                if case .string(let content)? = members.last("content") { text += content }
                try require(members.count == 1, "an event with \(members.count) members")
            default: throw Finding("an event named \(event.name)")
            }
        }
        try require(ends == (answer.parts.last?.isDone == true ? 1 : 0), "\(ends) events for the end")
        try require(Array(String(decoding: text, as: UTF16.self).utf8) == answer.text, "other text in the events")
    }
}

extension ReferenceJSON {
    /// The content of the message: empty if it has none; `nil` if there is no message, or the content is no text.
    fileprivate var content: [UInt16]? {
        guard case .object(let members) = self, case .object(let message)? = members.lastPresent("message") else {
            return nil
        }
        switch message.lastPresent("content") {
        case .string(let content)?: return content
        case nil: return []
        default: return nil
        }
    }

    /// The same without what `content` is, however often it is there.
    fileprivate var withoutContent: ReferenceJSON {
        guard case .object(let members) = self else { return self }
        return .object(
            members.map { member in
                guard member.name.elementsEqual("message".utf16), case .object(let message) = member.value else {
                    return member
                }
                let rest = message.filter { !$0.name.elementsEqual("content".utf16) }
                return Member(name: member.name, value: .object(rest))
            })
    }
}

extension [ReferenceJSON.Member] {
    /// The value of the last member with this name that is not null.
    fileprivate func lastPresent(_ name: String) -> ReferenceJSON? {
        last { $0.name.elementsEqual(name.utf16) && $0.value != .null }?.value
    }
}

extension ReferenceJSON {
    /// Whether it is an object without a message.
    fileprivate var hasNoMessage: Bool {
        guard case .object(let members) = self else { return false }
        return members.last("message") == nil || members.last("message") == .null
    }

    /// The same with U+FFFD for each half of a surrogate pair that has no other, and without thinking.
    fileprivate var withoutHalves: ReferenceJSON {
        switch self {
        case .string(let units): .string(Array(String(decoding: units, as: UTF16.self).utf16))
        case .array(let values): .array(values.map(\.withoutHalves))
        case .object(let members):
            .object(
                members.filter { $0.name != Array("thinking".utf16) }.map {
                    Member(name: Array(String(decoding: $0.name, as: UTF16.self).utf16), value: $0.value.withoutHalves)
                })
        default: self
        }
    }
}
