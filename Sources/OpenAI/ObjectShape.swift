/// Which of Ollama's objects an answer is written as.
enum ObjectShape: Sendable {
    /// Those of `/api/chat`.
    case chat
    /// Those of `/api/generate`.
    case generate
}
