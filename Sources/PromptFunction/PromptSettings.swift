public import HTTPClient
public import Ollama

extension PromptFunction {
    /// What can be set.
    public struct Settings: Sendable {
        /// The Ollamas; at least one.
        public var hosts: [OllamaHost]
        /// Sent to Ollama as a bearer token.
        public var apiKey: String?
        /// Asked when a request names no model.
        public var model = "llama3.2:1b"
        public var deadlines = Deadlines()
        /// Silence after which a stream of events gets a comment; 0 for none.
        public var heartbeat = Duration.seconds(15)

        /// Prompts that may be with each Ollama at the same time; 0 for any number.
        public var maxInFlight = 256
        /// Whether fewer are let to an Ollama that does not get faster by more.
        public var isAdaptive = false
        /// Prompts that may wait for their turn; 0 for none.
        public var maxQueue = 16_384
        /// Bytes of prompts that may wait.
        public var maxQueueBytes = 256 << 20
        /// How long a prompt may wait for its turn; 0 for any time.
        public var queueTimeout = Duration.seconds(600)

        /// What readiness means.
        public var readiness = Readiness.process
        /// Prompts that wait from which on the function is not ready; 0 for any number.
        public var readyQueue = 0
        /// Between two checks of an Ollama, when they are needed.
        public var checkInterval = Duration.seconds(5)
        public var protection = ProtectionSettings()

        public init(hosts: [OllamaHost]) { self.hosts = hosts }

        /// Whether the Ollamas are checked while all is well: to choose among several, or to tell whether they are
        /// ready.
        var needsChecks: Bool { hosts.count > 1 || readiness != .process }
    }

    /// What has to be for the function to be ready.
    public enum Readiness: String, Sendable, CaseIterable {
        /// It listens, and is not about to end.
        case process
        /// Some Ollama answers.
        case backend
        /// Some Ollama that answers has the default model.
        case model
        /// Some Ollama that answers has the default model loaded.
        case loaded
    }
}
