public import EventLoop
public import HTTPServer
public import Logging
public import Ollama
public import HTTPClient

/// Answers prompts by asking Ollama: the function itself.
///
/// Belongs to the loop's thread.
public final class PromptFunction: Function {
    /// What can be set.
    public struct Settings: Sendable {
        public var host: OllamaHost
        /// Sent to Ollama as a bearer token.
        public var apiKey: String?
        /// Asked when a request names no model.
        public var model = "llama3.2:1b"
        /// Prompts that may be with Ollama at the same time; 0 for any number.
        public var maxInFlight = 0
        public var deadlines = Deadlines()

        public init(host: OllamaHost) { self.host = host }
    }

    private let settings: Settings
    private let work: WorkQueue
    private let ollama: OllamaClient
    private let log: Logger
    private let defaultModel: JSONText
    private var inFlight = 0
    private var isDraining = false

    public init(_ settings: Settings, on loop: EventLoop, log: Logger) {
        self.settings = settings
        self.log = log
        defaultModel = JSONText(settings.model)
        work = WorkQueue(on: loop)
        ollama = OllamaClient(
            settings.host, apiKey: settings.apiKey, deadlines: settings.deadlines, work: work, on: loop)
    }

    // MARK: A function's life

    public func start() async throws {}

    public func stop() async { ollama.close() }

    public func alive() -> Health { .well }

    public func ready() -> Health { isDraining ? .unwell("Stopping") : .well }

    public func serverIsDraining() { isDraining = true }

    // MARK: Requests

    /// Takes a prompt and replies with the model's answer, or with why there is none.
    public func handle(_ request: Request, _ reply: consuming Reply) async {
        let response: Response
        do throws(PromptFailure) {
            response = Response(body: try await answer(request))
        } catch {
            if !error.isCancelled { note(error) }
            response = error.response(asJSON: request.prefersJSON)
        }
        reply.send(response)
    }

    private func answer(_ request: Request) async throws(PromptFailure) -> [UInt8] {
        try enter()
        defer { inFlight -= 1 }
        let chat = try await decode(request)
        do throws(OllamaError) {
            return try await ollama.answer(to: chat.payload)
        } catch {
            throw .ollama(error, model: chat.model.string)
        }
    }

    /// Takes a place among the prompts in flight.
    private func enter() throws(PromptFailure) {
        guard settings.maxInFlight == 0 || inFlight < settings.maxInFlight else {
            throw .full(limit: settings.maxInFlight)
        }
        inFlight += 1
    }

    /// A request as Ollama gets it.
    private struct Chat: Sendable {
        let model: JSONText
        let payload: Payload
    }

    /// Reads the body and writes Ollama's, on a Dispatch thread.
    private func decode(_ request: Request) async throws(PromptFailure) -> Chat {
        guard let body = request.takeBody() else { throw .badRequest(PromptRequest.notAnObject) }
        let result = await work.run(weight: body.count) { [defaultModel] () -> Result<Chat, PromptFailure> in
            do throws(PromptFailure) {
                let chat = try PromptRequest(body: body.copy()).chat(defaultModel: defaultModel)
                return .success(Chat(model: chat.model, payload: Payload(chat.json)))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func note(_ failure: PromptFailure) {
        let level: Logger.Level = failure.status.code >= 500 ? .warning : .info
        log.log(
            level: level, "prompt failed",
            metadata: ["status": "\(failure.status.code)", "cause": "\(failure.cause.prefix(500))"])
    }
}
