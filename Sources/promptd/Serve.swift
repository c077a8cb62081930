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

    func run() throws {
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
            reloadKeys: protection.reload,
            isEmbedded: isEmbedded,
            drain: try stopping.settings(),
            admin: registry.map { .init(addresses: adminAddresses, registry: $0, writer: writer) })
        defer { writer.flush() }
        warnings += protection.warnings(defaultModel: settings.model, settings.protection)
        for other in settings.fallbacks.others where !settings.protection.models.allows(other) {
            throw ValidationError("--fallback leads to '\(other)', which --models does not have: add it there.")
        }
        for warning in warnings { log.warning("\(warning)") }
        ProcessMemory.prepare()
        let loop = try EventLoop()
        let status = loop.run { loop in
            await ServerRun(plan, on: loop, log: log).run()
        }
        if status != 0 { throw ExitCode(status) }
    }
}
