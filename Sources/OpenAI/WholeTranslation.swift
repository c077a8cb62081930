internal import Glibc
internal import JSON
internal import Ollama

/// Turns OpenAI's whole completion into Ollama's object. Source: OpenAI's API reference, "Chat Completions".
enum WholeTranslation {
    /// - Parameter began: when the request was sent.
    /// - Returns: `nil` if it is no completion, or the model has broken off within a tool call.
    static func translate(
        _ json: Span<UInt8>, _ shape: ObjectShape, began: ContinuousClock.Instant
    ) -> StoredPart? {
        unsafe json.withUnsafeBytes { unsafe translate($0, shape, began: began) }
    }

    private static func translate(
        _ json: UnsafeRawBufferPointer, _ shape: ObjectShape, began: ContinuousClock.Instant
    ) -> StoredPart? {
        guard let completion = unsafe Completion.scan(json), completion.error == nil,
            completion.hasChoices, let reason = completion.finishReason
        else { return nil }
        var calls = ToolCallAssembly()
        do throws(OllamaError) {
            for piece in completion.toolCalls { try unsafe calls.add(piece, in: json) }
            var writer = ObjectWriter(shape)
            unsafe writer.begin(model: json[completion.model ?? 0..<0], created: completion.created ?? time(nil))
            unsafe writer.write(
                content: UnsafeRawBufferPointer(rebasing: json[completion.content.range]),
                hasEscapes: completion.content.hasEscapes,
                thinking: UnsafeRawBufferPointer(rebasing: json[completion.thinking]),
                toolCalls: calls.isEmpty ? nil : try calls.json(),
                end: ObjectWriter.End(
                    reason: FinishReason.ollamas(Array(json[reason])), promptTokens: completion.promptTokens,
                    tokens: completion.tokens, total: ContinuousClock.now - began, promptTime: nil, answerTime: nil))
            return StoredPart(writer.bytes, writer.fields)
        } catch {
            return nil
        }
    }
}
