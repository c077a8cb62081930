import ArgumentParser
import PromptFunction

/// Options for how many prompts the backends handle at once, how many wait, and when a prompt is rejected.
struct QueueOptions: ParsableArguments {
    @Option(help: "Maximum number of prompts in flight to each Ollama; 0 for no limit. (default: 256)")
    var maxInFlight: Int?

    @Flag(help: "Find out how many prompts each Ollama runs at the same time, and send it no more than that.")
    var adaptive = false

    @Option(help: "Maximum number of prompts that wait in the queue; 0 for none. (default: 16384)")
    var maxQueue: Int?

    @Option(
        help: "Maximum total size of the prompts that wait in the queue. (default: 256MiB)",
        transform: ByteCount.init(flag:))
    var maxQueueBytes: ByteCount?

    @Option(
        help: "How long a prompt may wait in the queue; 0 for no limit. (default: 10m)",
        transform: DurationArgument.init(flag:))
    var queueTimeout: DurationArgument?

    @Option(
        help: """
            What readiness means: process (it listens), backend (an Ollama answers), model (an Ollama has the default \
            model) or loaded (an Ollama has loaded the default model). (default: process)
            """)
    var readiness: ReadinessOption?

    @Option(help: "Readiness is 503 while this many prompts wait, or more; 0 for no limit. (default: 0)")
    var readyQueue: Int?

    @Option(
        help: """
            Time between two checks of an Ollama; 0 for no checks. Ollamas are checked if there are several, or if readiness \
            depends on them. (default: 5s)
            """, transform: DurationArgument.init(flag:))
    var checkInterval: DurationArgument?

    func apply(to settings: inout PromptFunction.Settings) throws {
        settings.maxInFlight = try Environment.number(
            maxInFlight, "max-in-flight", from: 0, default: settings.maxInFlight)
        settings.isAdaptive = try Environment.isOn(adaptive, "adaptive")
        settings.maxQueue = try Environment.number(maxQueue, "max-queue", from: 0, default: settings.maxQueue)
        settings.maxQueueBytes = try Environment.bytes(
            maxQueueBytes, "max-queue-bytes", default: settings.maxQueueBytes)
        settings.queueTimeout = try Environment.duration(queueTimeout, "queue-timeout", default: settings.queueTimeout)
        settings.readiness = try Environment.setting(
            readiness, "PROMPTD_READINESS", "process, backend, model or loaded", default: .process
        ).readiness
        settings.readyQueue = try Environment.number(readyQueue, "ready-queue", from: 0, default: settings.readyQueue)
        settings.checkInterval = try Environment.duration(
            checkInterval, "check-interval", default: settings.checkInterval)
        guard settings.readiness == .process || settings.checkInterval > .zero else {
            throw ValidationError("Give --check-interval a time, such as 5s: readiness depends on the checks.")
        }
    }
}

/// The conditions for readiness, in command-line syntax.
enum ReadinessOption: String, ExpressibleByArgument, CaseIterable {
    case process, backend, model, loaded

    var readiness: PromptFunction.Readiness {
        switch self {
        case .process: .process
        case .backend: .backend
        case .model: .model
        case .loaded: .loaded
        }
    }
}
