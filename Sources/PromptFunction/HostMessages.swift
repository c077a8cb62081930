/// The words in which hosts say why they failed.
enum HostMessages {
    /// How Ollama's messages begin that are about itself. They never repeat what a client sent or a model wrote, and an
    /// operator needs them. Source: Ollama, llm/server.go, server/sched.go and server/routes.go.
    private static let known = [
        "an error was encountered while running the model: CUDA", "llama runner process", "model failed to load",
        "model requires more system memory", "model runner has unexpectedly stopped", "server busy, please try again",
        "timed out waiting for llama runner", "unable to load full model on GPU", "unable to load model",
    ]

    /// Whether a message has nothing of a prompt or an answer.
    static func isKnown(_ message: String) -> Bool { known.contains { message.hasPrefix($0) } }
}
