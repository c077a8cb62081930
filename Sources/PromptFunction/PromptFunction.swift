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
        /// Silence after which a stream of events gets a comment; 0 for none.
        public var heartbeat = Duration.seconds(15)

        public init(host: OllamaHost) { self.host = host }
    }

    private let settings: Settings
    private let loop: EventLoop
    private let work: WorkQueue
    private let scratch = Scratch()
    private let ollama: OllamaClient
    private let log: Logger
    private let defaultModel: JSONText
    private var inFlight = 0
    private var isDraining = false

    public init(_ settings: Settings, on loop: EventLoop, log: Logger) {
        self.settings = settings
        self.loop = loop
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
        let prompt: Prompt
        do throws(PromptFailure) {
            try enter()
        } catch {
            refuse(error, AnswerForm(request), reply)
            return
        }
        defer { inFlight -= 1 }
        do throws(PromptFailure) {
            prompt = try await decode(request)
        } catch {
            refuse(error, AnswerForm(request), reply)
            return
        }
        let form = AnswerForm(request)
        if prompt.hasTools && form == .text {
            refuse(.toolsAsText, form, reply)
        } else if prompt.isStreamed {
            await stream(prompt, as: form, reply)
        } else {
            await answer(prompt, as: form, reply)
        }
    }

    /// Replies with the whole answer.
    private func answer(_ prompt: Prompt, as form: AnswerForm, _ reply: consuming Reply) async {
        let response: Response
        do throws(OllamaError) {
            let body = try await ollama.answer(to: prompt.payload, as: form.whole, deadlines: prompt.deadlines)
            response = Response(.ok, form == .objects ? .json : .text, body: body)
        } catch {
            refuse(.ollama(error, model: prompt.model.string), form, reply)
            return
        }
        reply.send(response)
    }

    /// Replies token by token.
    private func stream(_ prompt: Prompt, as form: AnswerForm, _ reply: consuming Reply) async {
        let stream = AnswerStream(form, reply, heartbeat: settings.heartbeat, scratch: scratch, on: loop)
        do throws(OllamaError) {
            try await ollama.stream(prompt.payload, to: stream, deadlines: prompt.deadlines)
        } catch {
            let failure = PromptFailure.ollama(error, model: prompt.model.string)
            note(failure)
            stream.fail(failure)
        }
    }

    private func refuse(_ failure: PromptFailure, _ form: AnswerForm, _ reply: consuming Reply) {
        note(failure)
        reply.send(failure.response(asJSON: form.tellsErrorsAsJSON))
    }

    /// Takes a place among the prompts in flight.
    private func enter() throws(PromptFailure) {
        guard settings.maxInFlight == 0 || inFlight < settings.maxInFlight else {
            throw .full(limit: settings.maxInFlight)
        }
        inFlight += 1
    }

    /// A request as Ollama gets it.
    private struct Prompt: Sendable {
        let model: JSONText
        let payload: Payload
        let isStreamed: Bool
        let hasTools: Bool
        /// Other ones than the server's.
        let deadlines: Deadlines?
    }

    /// Reads the body and writes Ollama's, on a Dispatch thread.
    private func decode(_ request: Request) async throws(PromptFailure) -> Prompt {
        guard let body = request.takeBody() else { throw .badRequest(PromptRequest.notAnObject) }
        let (defaultModel, allowed) = (defaultModel, settings.deadlines)
        let result = await work.run(weight: body.count) { () -> Result<Prompt, PromptFailure> in
            do throws(PromptFailure) {
                let request = try PromptRequest(body: body.copy())
                let chat = request.chat(defaultModel: defaultModel)
                return .success(
                    Prompt(
                        model: chat.model, payload: Payload(chat.json), isStreamed: chat.stream,
                        hasTools: request.hasTools, deadlines: request.timeouts.deadlines(within: allowed)))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func note(_ failure: PromptFailure) {
        if failure.isCancelled { return }  // the client left
        let level: Logger.Level = failure.status.code >= 500 ? .warning : .info
        log.log(
            level: level, "prompt failed",
            metadata: ["status": "\(failure.status.code)", "cause": "\(failure.cause.prefix(500))"])
    }
}
