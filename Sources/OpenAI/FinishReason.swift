internal import Ollama

/// Why an answer has ended, in Ollama's words.
struct FinishReason {
    /// A JSON string in its quotes.
    let json: [UInt8]

    /// Whether the model has used all its tokens.
    var isLength: Bool { json.elementsEqual("\"length\"".utf8) }

    /// Reads one of OpenAI's reasons.
    ///
    /// - Parameter json: a JSON string in its quotes.
    /// - Throws: `OllamaError.failed` if the server has given up. Source: vLLM's `FinishReason`.
    init(_ json: [UInt8]) throws(OllamaError) {
        switch String(decoding: json.dropFirst().dropLast(), as: UTF8.self) {
        case "tool_calls", "function_call": self.json = Array("\"stop\"".utf8)
        case "error", "abort", "network_error": throw .failed(message: "it gave the answer up")
        default: self.json = json
        }
    }
}
