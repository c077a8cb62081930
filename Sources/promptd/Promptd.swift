import ArgumentParser

/// The `promptd` command. Its subcommands are synchronous and run the loop themselves. This starts faster than an
/// asynchronous main, and keeps all work on the loop's thread, not on the global pool.
@main
struct Promptd: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "promptd",
        abstract: "Answers prompts over HTTP by asking Ollama.",
        discussion: """
            POST a JSON object with 'prompt' and 'model' to any path and get the model's answer as text; GET answers OK; \
            /health/liveness and /health/readiness tell its health.

            Every flag of 'serve' can be given as an environment variable too: PROMPTD_ and the flag's name in capitals, such as \
            PROMPTD_MAX_IN_FLIGHT. OLLAMA_HOST, OLLAMA_API_KEY, OPENAI_BASE_URL, OPENAI_API_KEY, LISTEN_ADDRESS, ADDRESS, \
            PORT and OTEL_* have the names that are usual for them. A flag takes precedence over a variable, and that over a \
            file of settings (--config).
            """,
        version: version,
        subcommands: [
            Serve.self, Config.self, Ask.self, Chat.self, Top.self, Probe.self, Load.self, StandInCommand.self,
            Key.self, Manual.self,
        ],
        defaultSubcommand: Serve.self)

    /// When the command started: `main` asks for it first.
    static let began = ContinuousClock.now

    static func main() {
        _ = began
        StandardStreams.open()
        main(nil)
    }
}
