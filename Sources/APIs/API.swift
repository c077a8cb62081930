/// An API that clients speak besides promptd's own.
package enum API: String, Sendable, CaseIterable {
    /// Ollama's: `/api/*`. Source: Ollama's docs/api.
    case ollama
    /// OpenAI's: `/v1/*`. Source: OpenAI's API reference.
    case openai
    /// Anthropic's: `/v1/messages`. Source: Anthropic's API reference.
    case anthropic
}
