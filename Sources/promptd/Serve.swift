import APIs
import ArgumentParser
import EventLoop
import HTTPServer
import Logging
import PromptFunction
import Telemetry

/// `promptd serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve prompts over HTTP (the default).")

    @OptionGroup(title: "Listening") var listen: ListenOptions
    @OptionGroup(title: "Ollama") var ollama: OllamaOptions
    @OptionGroup(title: "APIs and models") var apis: APIOptions
    @OptionGroup(title: "Queue and health") var queue: QueueOptions
    @OptionGroup(title: "Protection") var protection: ProtectionOptions
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Logging") var logging: LogOptions

    @Flag(help: "Ask the embedded stand-in instead of an Ollama: it has no model, and says so.")
    var embedded = false

    @OptionGroup(title: "Operators") var admin: AdminOptions
    @OptionGroup(title: "Stopping") var stopping: StopOptions

    @Option(help: "A file of settings, a JSON object: see 'promptd config'. [PROMPTD_CONFIG] (default: none)")
    var config: String?

    func run() throws {
        try useFile()
        let (plan, log, writer, warnings) = try prepare()
        defer { writer.flush() }
        for warning in warnings { log.warning("\(warning)") }
        ProcessMemory.prepare()
        let loop = try EventLoop()
        let status = loop.run { loop in
            await ServerRun(plan, on: loop, log: log).run()
        }
        if status != 0 { throw ExitCode(status) }
    }

    /// Takes settings from the file, if there is one.
    func useFile() throws {
        if let file { Environment.use(try ConfigurationFile(reading: file)) }
    }

    private var file: String? { config ?? Environment.text("PROMPTD_CONFIG") }

    /// Reads the API keys in the file again; `nil` if they are not there, or do not count.
    private var keysInFile: (@Sendable () throws -> APIKeys)? {
        let variable = "PROMPTD_API_KEYS"
        guard let file, !Environment.isVariable(variable), Environment.text(variable) != nil else { return nil }
        return { try APIKeys(list: try ConfigurationFile(reading: file).values[variable] ?? "") }
    }

    /// Reads the file again, and returns the names of the settings that have changed since the start and need another
    /// one; `nil` if there is no file.
    private var changedSettings: (@Sendable () throws -> [String])? {
        guard let file, let before = try? ConfigurationFile(reading: file).values else { return nil }
        return {
            let now = try ConfigurationFile(reading: file).values
            return Setting.all.filter { before[$0.variable] != now[$0.variable] && $0.name != "api-keys" }.map(\.name)
        }
    }

    /// Reads all settings.
    ///
    /// - Throws: `ValidationError` about the first that is wrong.
    func prepare() throws -> (ServerRun.Plan, Logger, LogWriter, warnings: [String]) {
        let isEmbedded = try Environment.isOn(embedded, "embedded")
        var (settings, warnings) = try ollama.settings()
        try apis.apply(to: &settings)
        try queue.apply(to: &settings)
        try admin.apply(to: &settings)
        let addresses = try listen.addresses()
        settings.protection = try protection.settings(isLocal: addresses.allSatisfy(\.isLoopback))
        var limits = try limits.limits()
        limits.acceptsDelete = settings.apis.contains(.ollama)
        let adminAddresses = try admin.addresses()
        let registry = adminAddresses.isEmpty ? nil : MetricsRegistry(ServerRun.instruments)
        settings.metrics = registry
        let (log, writer) = try logging.logger()
        let plan = ServerRun.Plan(
            addresses: addresses,
            function: settings,
            limits: limits,
            reloadKeys: protection.reload ?? keysInFile,
            changedSettings: changedSettings,
            isEmbedded: isEmbedded,
            drain: try stopping.settings(),
            admin: registry.map { .init(addresses: adminAddresses, registry: $0, writer: writer) })
        warnings += protection.warnings(defaultModel: settings.model, settings.protection)
        for other in settings.fallbacks.others where !settings.protection.models.allows(other) {
            throw ValidationError("--fallback leads to '\(other)', which --models does not have: add it there.")
        }
        return (plan, log, writer, warnings)
    }
}
