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
    @OptionGroup(title: "Traces") var traces: TraceOptions
    @OptionGroup(title: "Stopping") var stopping: StopOptions

    @Option(help: "A file of settings, a JSON object: see 'promptd config'. [PROMPTD_CONFIG] (default: none)")
    var config: String?

    func run() throws {
        try useFile()
        var (plan, log, writer, warnings) = try prepare()
        plan.reader = SettingsReader(arguments: Array(CommandLine.arguments.dropFirst()), log: writer)
        defer { writer.flush() }
        for warning in warnings { log.warning("\(warning)") }
        ProcessMemory.prepare()
        let loop = try EventLoop()
        let status = loop.run { [plan, log] loop in
            await ServerRun(plan, on: loop, log: log).run()
        }
        if status != 0 { throw ExitCode(status) }
    }

    /// Takes settings from the file, if there is one.
    func useFile() throws {
        guard let file = config ?? Environment.text("PROMPTD_CONFIG") else { return }
        Environment.fromFile = try ConfigurationFile(reading: file).values
    }

    /// Reads all settings.
    ///
    /// - Throws: `ValidationError` about the first that is wrong.
    func prepare() throws -> (ServerRun.Plan, Logger, LogWriter, warnings: [String]) {
        let isEmbedded = try Environment.isOn(embedded, "embedded")
        var (settings, warnings) = try functionSettings()
        var limits = try limits.limits()
        limits.acceptsDelete = settings.apis.contains(.ollama)
        let adminAddresses = try admin.addresses()
        let registry = adminAddresses.isEmpty ? nil : MetricsRegistry(ServerRun.instruments)
        settings.metrics = registry
        let (log, writer) = try logging.logger(for: traces.service)
        let plan = ServerRun.Plan(
            addresses: try listen.addresses(),
            tls: try listen.tls(),
            function: settings,
            limits: limits,
            isEmbedded: isEmbedded,
            drain: try stopping.settings(),
            admin: registry.map { .init(addresses: adminAddresses, registry: $0, writer: writer) })
        warnings += Setting.misspelt.map { "\($0.variable) is no setting of promptd: did you mean \($0.meant)?" }
        warnings += protection.warnings(defaultModel: settings.model, settings.protection)
        return (plan, log, writer, warnings)
    }

    /// Reads all settings again, while the server runs.
    ///
    /// - Returns: those that can be replaced.
    /// - Throws: `ValidationError` about the first that is wrong, also of those that a restart would use first.
    func prepareReload() throws -> (function: PromptFunction.Settings, tls: TLSServerContext?, level: Logger.Level) {
        _ = (try limits.limits(), try admin.addresses(), try stopping.settings())
        _ = try Environment.isOn(embedded, "embedded")
        return (try functionSettings().settings, try listen.tls(), try logging.settings().0)
    }

    /// Reads the settings of the function.
    func functionSettings() throws -> (settings: PromptFunction.Settings, warnings: [String]) {
        var (settings, warnings) = try ollama.settings()
        try apis.apply(to: &settings)
        try queue.apply(to: &settings)
        try admin.apply(to: &settings)
        settings.traces = try traces.settings()
        settings.protection = try protection.settings(isLocal: listen.addresses().allSatisfy(\.isLoopback))
        for other in settings.fallbacks.others where !settings.protection.models.allows(other) {
            throw ValidationError("--fallback leads to '\(other)', which --models does not have: add it there.")
        }
        return (settings, warnings)
    }
}
