package import HTTPClient
package import Ollama

extension PromptFunction {
    /// What can be set.
    package struct Settings: Sendable {
        /// The Ollamas; at least one.
        package var hosts: [OllamaHost]
        /// Sent to Ollama as a bearer token.
        package var apiKey: String?
        /// Asked when a request names no model.
        package var model = "llama3.2:1b"
        package var deadlines = Deadlines()
        /// Silence after which a stream of events gets a comment; 0 for none.
        package var heartbeat = Duration.seconds(15)

        /// Prompts that may be with each Ollama at the same time; 0 for any number.
        package var maxInFlight = 256
        /// Whether fewer are let to an Ollama that does not get faster by more.
        package var isAdaptive = false
        /// Prompts that may wait for their turn; 0 for none.
        package var maxQueue = 16_384
        /// Bytes of prompts that may wait.
        package var maxQueueBytes = 256 << 20
        /// How long a prompt may wait for its turn; 0 for any time.
        package var queueTimeout = Duration.seconds(600)

        /// What readiness means.
        package var readiness = Readiness.process
        /// Prompts that wait from which on the function is not ready; 0 for any number.
        package var readyQueue = 0
        /// Between two checks of an Ollama, when they are needed.
        package var checkInterval = Duration.seconds(5)
        package var protection = ProtectionSettings()

        package init(hosts: [OllamaHost]) { self.hosts = hosts }

        /// Whether the Ollamas are checked while all is well: to choose among several, or to tell whether they are
        /// ready.
        var needsChecks: Bool { hosts.count > 1 || readiness != .process }
    }

    /// What has to be for the function to be ready.
    package enum Readiness: String, Sendable, CaseIterable {
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
