import ArgumentParser
import HTTPServer
import Logging
import PromptFunction

/// Reads the settings again while the server runs. Usable on any thread; files are read, so call it on Dispatch.
final class SettingsReader: Sendable {
    /// What was read.
    struct Result: Sendable {
        /// All settings of the function, of which those count that can be replaced.
        var function: PromptFunction.Settings
        /// The certificate that clients see, read again.
        var tls: TLSServerContext?
        var logLevel: Logger.Level
        /// The names of settings that have changed in the file, that no flag or variable sets, and that need a restart.
        var needRestart: [String]
    }

    /// Settings that can be replaced while the server runs.
    static let replaceable: Set = [
        "api-keys", "api-key-file", "tenants", "models", "model-aliases", "max-prompt-bytes", "max-predict",
        "requests-per-minute", "trusted-proxies", "cors-origins", "max-queue", "max-queue-bytes", "queue-timeout",
        "tls-cert", "tls-key", "tls-client-ca", "ca-file", "client-cert", "client-key", "log-level",
    ]

    /// Has the level of the log.
    let writer: LogWriter
    private let arguments: [String]
    /// What the file said at the start, by the settings' variables.
    private let atStart: [String: String]

    /// - Parameters:
    ///   - arguments: of the command, which is `serve`. What the file says is in use already.
    ///   - writer: of the log.
    init(arguments: [String], log writer: LogWriter) {
        self.arguments = arguments
        self.writer = writer
        atStart = Environment.fromFile
    }

    /// - Throws: what is wrong with the settings. Then those in use stay.
    func read() throws -> Result {
        let former = Environment.fromFile
        do {
            guard let serve = try Promptd.parseAsRoot(arguments) as? Serve else {
                preconditionFailure("the arguments have been those of serve before")
            }
            try serve.useFile()
            let (function, tls, level) = try serve.prepareReload()
            let now = Environment.fromFile
            let unused = serve.listen.unused.union(serve.protection.unused)
            let changed = Setting.all.filter { setting in
                atStart[setting.variable] != now[setting.variable] && !Self.replaceable.contains(setting.name)
                    && !unused.contains(setting.name) && !EffectiveSetting.precedesFile(setting, flags: arguments)
            }
            return Result(function: function, tls: tls, logLevel: level, needRestart: changed.map(\.name))
        } catch {
            Environment.fromFile = former
            throw error
        }
    }
}
