import ArgumentParser
import PromptFunction

/// Options for the operator's side.
struct AdminOptions: ParsableArguments {
    @Option(
        help: """
            The address for operators, such as 127.0.0.1:9090: metrics for Prometheus, and a page that shows what is \
            happening. Whoever reaches it can read all of that and send prompts, so keep it from others. (default: none)
            """)
    var admin: String?

    @Flag(help: "Log a line for each prompt: its model, times and tokens, and what became of it.")
    var accessLog = false

    @Flag(
        help: """
            Log texts too: prompts (with --access-log), and the words in which backends fail, which may repeat prompts and \
            answers. Without it, none is ever logged.
            """)
    var logPrompts = false

    @Flag(
        help: """
            Tell clients in the reply to each prompt where its time went, and the request's id: Server-Timing and \
            X-Request-Id.
            """)
    var serverTiming = false

    func apply(to settings: inout PromptFunction.Settings) throws {
        settings.logsPrompts = try Environment.isOn(accessLog, "access-log")
        settings.logsTexts = try Environment.isOn(logPrompts, "log-prompts")
        settings.tellsTiming = try Environment.isOn(serverTiming, "server-timing")
    }

    func addresses() throws -> [ListenAddress] {
        guard let list = admin ?? Environment.text("PROMPTD_ADMIN") else { return [] }
        do {
            return try ListenAddress.list(list)
        } catch {
            throw ValidationError(
                "'\(list)' is not an address to listen on: give --admin HOST:PORT, such as 127.0.0.1:9090.")
        }
    }
}
