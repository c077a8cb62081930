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
            return ["/api/chat", "/api/generate", "/api/show"].contains(path)
                ? Self.error(.badRequest, "missing request body") : notFound
        }
        if path == "/api/tags" || path == "/api/ps" { seen.listings += 1 }
        switch path {
        case "/": return .text("Ollama is running")
        case "/api/version": return json("{\"version\":\"\(Self.version)\"}")
        case "/api/tags": return json("{\"models\":[\(names.map(Self.description).joined(separator: ","))]}")
        case "/api/ps":
            return json("{\"models\":[\(runner.loaded.sorted().map(Self.description).joined(separator: ","))]}")
        case "/stand-in/counts":
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys  // without it the order differs between processes
            return (try? encoder.encode(counts)).map { Response(.ok, .json, body: Array($0)) }
        case "/api/chat", "/api/generate", "/api/show":
            return .text(.methodNotAllowed, "405 method not allowed")
        default: return notFound
        }
    }

    private var notFound: Response { .text(.notFound, "404 page not found") }

    private func json(_ text: String) -> Response { Response(.ok, .json, body: Array(text.utf8)) }

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
        guard let body = request.takeBody(), ["/api/chat", "/api/generate", "/api/show"].contains(path) else {
            reply.send(notFound)
            return
        }
        let parsed = await work.run(weight: body.count) { ChatBody.read(body.copy()) }
        switch parsed {
        case .failure(let refusal): reply.send(Self.error(.badRequest, refusal.message))
        case .success(let body) where path == "/api/show":
            reply.send(knows(body.model!) ? json("{\"capabilities\":[\"completion\"]}") : Self.missing(body.model!))
        case .success(let body):
            seen.requests += 1
            seen.active += 1
            seen.maxActive = max(seen.maxActive, seen.active)
            log?.debug("asked", metadata: ["question": "\(body.question.prefix(200))"])
            await answer(body, path == "/api/chat" ? .chat : .generate, reply)
            seen.active -= 1
            if Task.isCancelled { seen.aborted += 1 }
        }
    }

    static func missing(_ model: String) -> Response { error(.notFound, "model '\(model)' not found") }

    static let busy = error(
        .serviceUnavailable, "server busy, please try again.  maximum pending requests exceeded")
}
