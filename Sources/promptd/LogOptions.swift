import ArgumentParser
import Logging

/// Options for the log.
struct LogOptions: ParsableArguments {
    @Option(help: "The lowest level to log: trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: String?

    @Option(help: "The format of log lines: text or json. (default: text)")
    var logFormat: LogFormat?

    /// A logger that writes to standard error.
    func logger() throws -> Logger {
        let format = try Environment.setting(logFormat, "PROMPTD_LOG_FORMAT", LogFormat.expected, default: .text)
        let name = logLevel ?? Environment.text("PROMPTD_LOG_LEVEL") ?? "info"
        guard let level = Logger.Level(rawValue: name.lowercased()) else {
            throw ValidationError(
                "The log level is '\(name)': give trace, debug, info, notice, warning, error or critical with --log-level."
            )
        }
        return Logger(label: "promptd") { _ in LineLogHandler(logLevel: level, format: format) }
    }
}
