package import EventLoop
package import HTTPServer
package import Logging
internal import FoundationEssentials

/// A stand-in for Ollama without a model. It uses the real wire protocol, including its quirks, and says clearly that
/// it is a stand-in.
///
/// It is the embedded default backend, the server for tests and load runs, and a source of faults: see `Fault`. Belongs
/// to the loop's thread. Source: captures of Ollama 0.33 and its docs/api.
package final class StandIn: Service {
    static let version = "0.0.0-stand-in"

    let settings: StandInSettings
    let loop: EventLoop
    let work: WorkQueue
    let runner: ModelRunner
    let clock: WireClock
    private let log: Logger?
    var seen = StandInCounts()

    /// - Parameter log: gets a line for each question, at debug level, so that a stand-in that is killed leaves a
    ///   record.
    package init(_ settings: StandInSettings = StandInSettings(), on loop: EventLoop, log: Logger? = nil) {
        self.settings = settings
        self.loop = loop
        self.log = log
        clock = WireClock(on: loop)
        work = WorkQueue(on: loop)
        runner = ModelRunner(settings, on: loop)
    }

    /// What the stand-in has seen so far.
    package var counts: StandInCounts {
        var counts = seen
        counts.loads = runner.loads
        counts.abortedLoads = runner.aborts
        return counts
    }

    // MARK: Holding

    /// Makes prompts wait without an answer from now on, until `release`. Faults do not wait.
    package func hold() { runner.hold() }

    /// Answers the prompt that has waited longest. Does nothing if none waits.
    package func step() { runner.step() }

    /// Answers all waiting prompts, and those that arrive later.
    package func release() { runner.release() }

    // MARK: Requests without a body

    package func respond(to request: borrowing RequestHead) -> Response? {
        let path = request.path
        if request.method == .post {
            return Self.posted.contains(path) ? Self.error(.badRequest, "missing request body") : notFound
        }
        if path == "/api/tags" || path == "/api/ps" { seen.listings += 1 }
        switch path {
        case "/": return .text("Ollama is running")
        case "/api/version": return json("{\"version\":\"\(Self.version)\"}")
        case "/api/tags": return json("{\"models\":[\(names.map(Self.description).joined(separator: ","))]}")
        case "/api/ps":
            return json("{\"models\":[\(runner.loaded.sorted().map(Self.description).joined(separator: ","))]}")
        case "/v1/models":
            return openAI("{\"object\":\"list\",\"data\":[\(names.map(Self.model).joined(separator: ","))]}")
        case _ where path.hasPrefix("/v1/models/"):
            let raw = String(path.dropFirst("/v1/models/".count))
            let name = raw.replacing("%2F", with: "/").replacing("%3A", with: ":")
            if knows(name) { return openAI(Self.model(name) + "\n") }
            let words = "model '\(name)' not found"
            return Response(
                .notFound, ContentType("application/json"), body: CompletionsFormat.error(.notFound, words))
        case "/stand-in/counts":
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys  // without it the order differs between processes
            return (try? encoder.encode(counts)).map { Response(.ok, .json, body: Array($0)) }
        case _ where Self.posted.contains(path):
            return .text(.methodNotAllowed, "405 method not allowed")
        default: return notFound
        }
    }

    private var notFound: Response { .text(.notFound, "404 page not found") }

    /// The paths to which requests are posted.
    private static let posted: Set<String> = [
        "/api/chat", "/api/generate", "/api/show", "/api/embed", "/api/embeddings", "/v1/chat/completions",
        "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages",
    ]

    /// The details of any model. Source: Ollama's docs/api, "Show Model Information".
    private static let details = """
        {"license":"","modelfile":"","parameters":"","template":"{{ .Prompt }}",\
        "details":{"parent_model":"","format":"none","family":"stand-in","families":["stand-in"],\
        "parameter_size":"0","quantization_level":"none"},\
        "model_info":{"general.architecture":"stand-in","stand-in.context_length":131072},\
        "capabilities":["completion","tools","thinking","embedding"],"modified_at":"2026-01-01T00:00:00Z"}
        """

    private func openAI(_ text: String) -> Response {
        Response(.ok, ContentType("application/json"), body: Array(text.utf8))
    }

    private static func model(_ name: String) -> String {
        "{\"id\":\(WireFormat.quoted(name)),\"object\":\"model\",\"created\":1767225600,\"owned_by\":\"library\"}"
    }

    func json(_ text: String) -> Response { Response(.ok, .json, body: Array(text.utf8)) }

    static func error(_ status: Status, _ message: String) -> Response {
        Response(status, .json, body: WireFormat.error(message))
    }

    /// The models to list: those in the settings or, if every model exists, two initial ones and those already loaded.
    private var names: [String] {
        settings.models.isEmpty ? runner.loaded.union(["llama3.2:1b", "llama3.2:3b"]).sorted() : settings.models
    }

    private static func description(_ name: String) -> String {
        let quoted = WireFormat.quoted(name)
        return """
            {"name":\(quoted),"model":\(quoted),"modified_at":"2026-01-01T00:00:00Z","size":0,"digest":"",\
            "details":{"parent_model":"","format":"none","family":"stand-in","families":["stand-in"],\
            "parameter_size":"0","quantization_level":"none"}}
            """
    }

    func knows(_ model: String) -> Bool { settings.models.isEmpty || settings.models.contains(model) }

    // MARK: Requests with a body

    package func handle(_ request: Request, _ reply: consuming Reply) async {
        let path = request.path
        guard let body = request.takeBody(), Self.posted.contains(path) else {
            reply.send(notFound)
            return
        }
        let parsed = await work.run(weight: body.count) {
            ChatBody.read(body.copy(), isAsked: path != "/api/show")
        }
        switch parsed {
        case .failure(let refusal):
            reply.send(
                path.hasPrefix("/api/")
                    ? Self.error(.badRequest, refusal.message)
                    : Response(
                        .badRequest, ContentType("application/json"),
                        body: CompletionsFormat.error(.badRequest, refusal.message)))
        case .success(let body) where path == "/api/show":
            reply.send(
                knows(body.model!)
                    ? json(Self.details)
                    : Self.error(.notFound, "model '\(body.model!)' not found"))
        case .success(let body):
            seen.requests += 1
            seen.active += 1
            seen.maxActive = max(seen.maxActive, seen.active)
            log?.debug("asked", metadata: ["question": "\(body.question.prefix(200))"])
            if path.contains("/embed") {
                reply.send(embed(body, at: path))
            } else {
                await answer(body, at: path, reply)
            }
            seen.active -= 1
            if Task.isCancelled { seen.aborted += 1 }
        }
    }

    static func missing(_ model: String, _ format: any AnswerFormat) -> Response {
        format.response(.notFound, "model '\(model)' not found")
    }

    static func busy(_ format: any AnswerFormat) -> Response {
        format.response(.serviceUnavailable, "server busy, please try again.  maximum pending requests exceeded")
    }
}
