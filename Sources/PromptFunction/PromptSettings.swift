package import APIs
package import CoreMetrics
internal import EventLoop
package import HTTPClient
package import Ollama
package import OpenAI

extension PromptFunction {
    /// The function's settings.
    package struct Settings: Sendable {
        /// The Ollama servers.
        package var hosts: [OllamaHost]
        /// The key that is sent to Ollama as a bearer token.
        package var apiKey: String?
        /// The servers with OpenAI's API; there is at least one host of either kind.
        package var openAIHosts: [OpenAIBaseURL] = []
        /// The key that is sent to those as a bearer token.
        package var openAIKey: String?
        /// What is trusted of hosts whose scheme is `https`; `nil`: what the system trusts.
        package var tls: TLSClientContext?
        /// Whether the load of a model goes on when its clients leave.
        package var finishesLoads = false
        /// Whether deterministic prompts that are equal, and in flight at the same time, share one generation.
        package var coalesces = false
        /// The models that are asked when no host can serve another one.
        package var fallbacks = Fallbacks.none
        /// The APIs that are served besides promptd's own.
        package var apis: Set<API> = []
        /// Maximum bytes of a body after it was decoded. Usually the server's `bodyBytes`.
        package var maxDecodedBytes = 32 << 20
        /// Whether clients of Ollama's API may change which models are installed. Only with a single host.
        package var allowsModelChanges = false
        /// The model to ask when a request names none.
        package var model = "llama3.2:1b"
        package var deadlines = Deadlines()
        /// The silence after which a stream of events gets a comment; 0: never.
        package var heartbeat = Duration.seconds(15)

        /// The maximum number of prompts in flight at each backend; 0: no limit.
        package var maxInFlight = 256
        /// Whether the limit adapts: a backend gets fewer prompts if more would not make it faster.
        package var isAdaptive = false
        /// The maximum number of queued prompts; 0: none may wait.
        package var maxQueue = 16_384
        /// The maximum bytes of all queued prompts.
        package var maxQueueBytes = 256 << 20
        /// How long a prompt may wait for its turn; 0: without limit.
        package var queueTimeout = Duration.seconds(600)

        /// The condition for the function to be ready.
        package var readiness = Readiness.process
        /// The number of queued prompts from which the function is not ready; 0: any number may wait.
        package var readyQueue = 0
        /// The time between two checks of a backend, if checks are needed.
        package var checkInterval = Duration.seconds(5)
        package var protection = ProtectionSettings()
        /// Makes the metrics; `nil`: there are none.
        package var metrics: (any MetricsFactory)?
        /// Whether replies to prompts say where their time went, and their requests' ids.
        package var tellsTiming = false
        /// Where spans are sent; `nil`: nowhere.
        package var traces: TraceSettings?
        /// Whether the log has a line for each prompt.
        package var logsPrompts = false
        /// Whether the log and the operator's page also have texts: those of prompts, and the words of hosts that fail.
        package var logsTexts = false

        package init(hosts: [OllamaHost]) { self.hosts = hosts }

        /// The models that the operator has named.
        var namedModels: Set<ModelName> {
            Set([ModelName(model)]).union(protection.models.named).union(fallbacks.named)
        }

        /// How many prompts may wait, and for how long.
        var admissionLimits: Admission.Limits {
            Admission.Limits(
                count: maxQueue, bytes: maxQueueBytes, wait: queueTimeout,
                weights: protection.tenants?.weights ?? .init())
        }

        /// The number of hosts of both kinds.
        package var hostCount: Int { hosts.count + openAIHosts.count }

        /// A client for each host, with the host's URL.
        func clients(work: WorkQueue, on loop: EventLoop) -> [(url: String, client: any EngineClient)] {
            let ollamas = hosts.map { host -> (url: String, client: any EngineClient) in
                (host.url, OllamaClient(host, apiKey: apiKey, tls: tls, deadlines: deadlines, work: work, on: loop))
            }
            return ollamas
                + openAIHosts.map {
                    ($0.url, OpenAIClient($0, apiKey: openAIKey, tls: tls, deadlines: deadlines, work: work, on: loop))
                }
        }

        /// The most requests that run no model at the same time, as clients of other APIs cause them.
        package var mostListings: Int { apis.isEmpty ? 0 : DetailsGate.mostAtOnce + 4 * hostCount }

        /// Maximum bytes of an answer that are kept for prompts that come later and share it.
        static let sharedHistory = 64 * 1024

        /// What a connection with TLS holds: its state, a record in each direction, and encrypted bytes that the socket has
        /// not taken.
        private static let tlsBytes = 128 * 1024

        /// What a prompt in flight may hold besides what is counted in the server's limits.
        package var bytesPerPrompt: Int { (coalesces ? Self.sharedHistory : 0) + (tls == nil ? 0 : Self.tlsBytes) }

        /// The most connections for requests that run no model at the same time.
        package var mostFetches: Int { mostListings + (finishesLoads ? LoadKeeper.capacity : 0) }

        /// Whether the backends are checked even while all of them work: to choose among several, or to know whether
        /// they are ready or have loaded a model, or to show which models there are.
        var needsChecks: Bool { hostCount > 1 || readiness != .process || finishesLoads || metrics != nil }
    }

    /// The condition under which the function is ready.
    package enum Readiness: String, Sendable, CaseIterable {
        /// It listens, and is not stopping.
        case process
        /// At least one backend answers.
        case backend
        /// At least one backend that answers has the default model.
        case model
        /// At least one backend that answers has the default model loaded.
        case loaded
    }
}
