import ArgumentParser
import Glibc
import Logging

/// Options for the log.
struct LogOptions: ParsableArguments {
    @Option(help: "The lowest level to log: trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: String?

    @Option(help: "The format of log lines: text, json, or otel for JSON with OpenTelemetry's names. (default: text)")
    var logFormat: LogFormat?

    /// The lowest level, and the format.
    func settings() throws -> (Logger.Level, LogFormat) {
        let format = try Environment.setting(logFormat, "PROMPTD_LOG_FORMAT", LogFormat.expected, default: .text)
        let name = logLevel ?? Environment.text("PROMPTD_LOG_LEVEL") ?? "info"
        guard let level = Logger.Level(rawValue: name.lowercased()) else {
            throw ValidationError(
                "The log level is '\(name)': give trace, debug, info, notice, warning, error or critical with --log-level."
            )
        }
        return (level, format)
    }

    /// A logger that writes to standard error, and the writer that it uses: flush that before the process ends.
    ///
    /// - Parameter service: the name of the service in OpenTelemetry's format.
    func logger(for service: String) throws -> (Logger, LogWriter) {
        let (level, format) = try settings()
        let writer = LogWriter(STDERR_FILENO, from: level) { count in
            LineLogHandler.line(
                format, service, .warning,
                "log lines were lost: the log was not read fast enough, or could not be written",
                [("lines", "\(count)")])
        }
        return (
            Logger(label: "promptd") { _ in LineLogHandler(format: format, service: service, writer: writer) }, writer
        )
    }
}
