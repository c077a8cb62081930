import ArgumentParser
import PromptFunction

/// Options for how many prompts the backends handle at once, how many wait, and when a prompt is rejected.
struct QueueOptions: ParsableArguments {
    @Option(help: "Prompts that may be with each Ollama at the same time; 0 for any number. (default: 256)")
    var maxInFlight: Int?

    @Flag(help: "Let fewer prompts to an Ollama that does not get faster by more: finds how many it runs at a time.")
    var adaptive = false

    @Option(help: "Prompts that may wait for their turn; 0 for none. (default: 16384)")
    var maxQueue: Int?

    @Option(help: "Bytes of prompts that may wait. (default: 256MiB)")
    var maxQueueBytes: ByteCount?

    @Option(help: "How long a prompt may wait for its turn; 0 for any time. (default: 10m)")
    var queueTimeout: DurationArgument?

    @Option(
        help: """
            What readiness means: process (it listens), backend (an Ollama answers), model (one has the default model) or \
            loaded (one has it loaded). (default: process)
            """)
    var readiness: ReadinessOption?

    @Option(help: "Prompts that wait from which on readiness is 503; 0 for any number. (default: 0)")
    var readyQueue: Int?

    @Option(
        help: """
            Time between two checks of an Ollama, where there are several or readiness depends on them; 0 for none. \
            (default: 5s)
            """)
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
