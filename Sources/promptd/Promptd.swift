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
            POST a JSON object with 'prompt' and 'model' to any path and get the model's answer as text; GET says OK; \
            /health/liveness and /health/readiness tell how it is.

            Every flag of 'serve' can be given as an environment variable too: its name in capitals behind PROMPTD_, such as \
            PROMPTD_MAX_IN_FLIGHT. OLLAMA_HOST, OLLAMA_API_KEY, LISTEN_ADDRESS, ADDRESS and PORT keep the names that others \
            use. A flag wins over a variable.
            """,
        version: version,
        subcommands: [Serve.self, Ask.self, Probe.self, Load.self, StandInCommand.self],
        defaultSubcommand: Serve.self)
}
