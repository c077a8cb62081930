/// What clients and the log call the servers that run models.
enum ServerName: Equatable, Sendable {
    case ollama
    /// Servers with OpenAI's API, or both kinds.
    case modelServer

    /// For several backends.
    init(of backends: [EngineBackend]) {
        self = backends.contains { $0.name == .modelServer } ? .modelServer : .ollama
    }

    /// At the beginning of a sentence.
    var atStart: String { self == .ollama ? "Ollama" : "The model server" }

    /// Within a sentence.
    var inside: String { self == .ollama ? "Ollama" : "the model server" }

    /// For none of them, at the beginning of a sentence.
    var none: String { self == .ollama ? "No Ollama" : "No model server" }

    /// At the beginning of the message of a log line.
    var inLog: String { self == .ollama ? "ollama" : "model server" }

    /// The field of a log line that has a server's URL.
    var field: String { self == .ollama ? "ollama" : "openai" }
}
