internal import Glibc
internal import JSON
internal import Ollama

/// Turns OpenAI's stream of chunks into Ollama's stream of objects, line by line. Belongs to the loop's thread.
///
/// The path of a token: a chunk is parsed in the buffer in which it was received, and its text is written into an object
/// of Ollama's, once. Source: OpenAI's API reference, "Chat Completions: Streaming"; WHATWG HTML, 9.2.
final class StreamTranslation: LineTranslator {
    private var writer: ObjectWriter
    private var hasLines = false
    private var calls = ToolCallAssembly()
    private var finishReason: FinishReason?
    private var promptTokens, tokens: Int?
    private let began = ContinuousClock.now
    /// When the first token came.
    private var answered: ContinuousClock.Instant?

    init(_ shape: ObjectShape) { writer = ObjectWriter(shape) }

    func read(_ line: UnsafeRawBufferPointer, to reader: ChatReader) throws(OllamaError) {
        var line = unsafe line
        if unsafe !hasLines && line.starts(with: [0xEF, 0xBB, 0xBF]) {
            unsafe line = UnsafeRawBufferPointer(rebasing: line.dropFirst(3))
        }
        hasLines = true
        while let last = unsafe line.last, last == 0x0D || last == 0x20 {
            unsafe line = UnsafeRawBufferPointer(rebasing: line.dropLast())
        }
        guard let start = unsafe line.first else { return }
        // A server that does not stream sends one object, in place of an event.
        if start == UInt8(ascii: "{") { return try unsafe read(object: line, to: reader) }
        if let data = unsafe Self.value(line, of: "data:") {
            if unsafe data.elementsEqual("[DONE]".utf8) { return try finish(reader) }
            return unsafe data.isEmpty ? () : try read(object: data, to: reader)
        }
        // Older servers of llama.cpp say it so.
        if let error = unsafe Self.value(line, of: "error:") { throw unsafe Self.failure(error) }
        guard unsafe Self.isIgnored(line) else { throw .malformedResponse }
    }

    /// Whether a line is a comment, or a field that says nothing of the answer.
    private static func isIgnored(_ line: UnsafeRawBufferPointer) -> Bool {
        let fields: [StaticString] = [":", "event:", "id:", "retry:"]
        return fields.contains { unsafe value(line, of: $0) != nil }
    }

    /// What stands behind a field's name, if the line is such a field.
    private static func value(_ line: UnsafeRawBufferPointer, of name: StaticString) -> UnsafeRawBufferPointer? {
        let count = name.utf8CodeUnitCount
        guard line.count >= count, let base = line.baseAddress, unsafe memcmp(base, name.utf8Start, count) == 0
        else { return nil }
        let value = unsafe UnsafeRawBufferPointer(rebasing: line[count...])
        return unsafe value.first == 0x20 ? UnsafeRawBufferPointer(rebasing: value.dropFirst()) : value
    }

    /// The failure that an object reports in place of an answer.
    private static func failure(_ json: UnsafeRawBufferPointer) -> OllamaError {
        unsafe ReportedError(openAI: json).map { .failed(message: $0.message) } ?? .malformedResponse
    }

    private func read(object json: UnsafeRawBufferPointer, to reader: ChatReader) throws(OllamaError) {
        guard let chunk = unsafe Completion.scan(json) else { throw .malformedResponse }
        guard chunk.error == nil, chunk.hasChoices || chunk.tokens != nil else { throw unsafe Self.failure(json) }
        if !writer.hasBegun && chunk.hasChoice {
            let model = unsafe UnsafeRawBufferPointer(rebasing: json[chunk.model])
            unsafe writer.begin(model: model, created: chunk.created ?? time(nil))
        }
        if !chunk.content.range.isEmpty || !chunk.thinking.isEmpty {
            if answered == nil { answered = .now }
            unsafe writer.write(
                content: UnsafeRawBufferPointer(rebasing: json[chunk.content.range]),
                hasEscapes: chunk.content.hasEscapes,
                thinking: UnsafeRawBufferPointer(rebasing: json[chunk.thinking]),
                logprobs: UnsafeRawBufferPointer(rebasing: json[chunk.logprobs ?? 0..<0]))
            pass(to: reader)
        }
        for piece in chunk.toolCalls { try unsafe calls.add(piece, in: json) }
        if !chunk.toolCalls.isEmpty { try reader.hold(calls.heldBytes) }
        if let reason = chunk.finishReason { finishReason = try FinishReason(unsafe Array(json[reason])) }
        if let count = chunk.promptTokens { promptTokens = count }
        if let count = chunk.tokens { tokens = count }
    }

    private func pass(to reader: ChatReader) {
        let fields = writer.fields
        unsafe writer.bytes.withUnsafeBytes { unsafe reader.pass(ChatPart($0, fields)) }
    }

    /// Passes on what comes after the last text: the tool calls and the last object.
    private func finish(_ reader: ChatReader) throws(OllamaError) {
        guard writer.hasBegun else { throw .incomplete }
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        if !calls.isEmpty {
            unsafe writer.write(
                content: nothing, hasEscapes: false, thinking: nothing,
                toolCalls: try calls.json(isCut: finishReason?.isLength ?? false))
            pass(to: reader)
            calls = ToolCallAssembly()
            try reader.hold(0)
        }
        let now = ContinuousClock.now
        unsafe writer.write(
            content: nothing, hasEscapes: false, thinking: nothing,
            end: ObjectWriter.End(
                reason: finishReason?.json, promptTokens: promptTokens, tokens: tokens,
                total: now - began, promptTime: answered.map { $0 - began }, answerTime: answered.map { now - $0 }))
        pass(to: reader)
    }

    /// Some servers end a stream without its marker. The reason why the model has ended says that it is complete.
    func end(_ reader: ChatReader) throws(OllamaError) {
        if finishReason != nil { try finish(reader) }
    }
}
