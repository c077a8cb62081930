internal import Glibc
internal import JSON
internal import Ollama

/// Turns OpenAI's whole completion into Ollama's object. Source: OpenAI's API reference, "Chat Completions".
enum WholeTranslation {
    /// - Parameter began: when the request was sent.
    /// - Returns: `nil` if it is no completion, or not a whole one.
    /// - Throws: why there is no answer.
    static func translate(
        _ json: Span<UInt8>, _ shape: ObjectShape, began: ContinuousClock.Instant
    ) throws(OllamaError) -> StoredPart? {
        try unsafe json.withUnsafeBytes { bytes throws(OllamaError) in
            try unsafe translate(bytes, shape, began: began)
        }
    }

    private static func translate(
        _ json: UnsafeRawBufferPointer, _ shape: ObjectShape, began: ContinuousClock.Instant
    ) throws(OllamaError) -> StoredPart? {
        guard let completion = unsafe Completion.scan(json), completion.error == nil, completion.hasChoice,
            let finish = completion.finishReason
        else { return nil }
        let reason = try FinishReason(unsafe Array(json[finish]))
        var calls = ToolCallAssembly()
        for piece in completion.toolCalls { try unsafe calls.add(piece, in: json) }
        var writer = ObjectWriter(shape)
        unsafe writer.begin(model: json[completion.model], created: completion.created ?? time(nil))
        unsafe writer.write(
            content: UnsafeRawBufferPointer(rebasing: json[completion.content.range]),
            hasEscapes: completion.content.hasEscapes,
            thinking: UnsafeRawBufferPointer(rebasing: json[completion.thinking]),
            toolCalls: calls.isEmpty ? nil : try calls.json(isCut: reason.isLength),
            logprobs: UnsafeRawBufferPointer(rebasing: json[completion.logprobs ?? 0..<0]),
            end: ObjectWriter.End(
                reason: reason.json, promptTokens: completion.promptTokens,
                tokens: completion.tokens, total: ContinuousClock.now - began, promptTime: nil, answerTime: nil))
        return StoredPart(writer.bytes, writer.fields)
    }
}
