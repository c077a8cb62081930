internal import APIs
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Logging
internal import Ollama

/// Requests that run no model. They wait in no queue.
extension PromptFunction {
    /// How long a host may take for a listing.
    private static let listingDeadlines = {
        var deadlines = Deadlines()
        deadlines.connect = .seconds(2)
        deadlines.firstByte = .seconds(10)
        deadlines.idle = .seconds(10)
        deadlines.total = .seconds(20)
        return deadlines
    }()

    private typealias HostReply = (head: ForwardedHead, body: [UInt8])

    /// Answers a listing from what the hosts say now.
    func list(_ request: Request, _ reply: consuming Reply, _ listing: Listing) async {
        let fields = request.withHead { protection.origins.fields(for: $0) } ?? []
        var pending: Reply? = consume reply
        do throws(PromptFailure) {
            let answer =
                switch listing {
                case .tags: try await merged(listing, "/api/tags")
                case .running: try await merged(listing, "/api/ps")
                case .models: try await merged(listing, "/v1/models")
                case .version: try await first("GET", "/api/version", request)
                case .show: try await show(request)
                case .model(let name): try await model(name, request)
                }
            if let reply = pending.take() { answer.send(on: reply, fields) }
        } catch {
            note(error)
            var response = error.response(as: .api(Route.listing(listing).api))
            response.fields = fields
            pending.take()?.send(response)
        }
    }

    // MARK: Of all hosts

    /// The lists of all hosts together. A list of a single host is passed on as it is, unless some models have other
    /// names here, or are not allowed.
    private func merged(_ listing: Listing, _ path: String) async throws(PromptFailure) -> PassedOnReply {
        let replies = await replies("GET", path)
        if replies.count == 1, let reply = replies.first, settings.protection.models.isEmpty {
            return PassedOnReply(reply)
        }
        guard !replies.isEmpty else { throw .allBackendsDown(count: backends.count, retryAfter: 1) }
        let bodies = replies.filter { $0.head.status == 200 }.map(\.body)
        let models = settings.protection.models
        let merged = await work.run(weight: bodies.reduce(0) { $0 + $1.count }) {
            ModelListing.merged(bodies, of: listing) { models.names(of: $0) }
        }
        guard let merged else { return PassedOnReply(replies[0]) }
        return PassedOnReply(json: merged)
    }

    /// The replies of the hosts that answer. All are asked at the same time.
    private func replies(_ method: String, _ path: String) async -> [HostReply] {
        let asked = backends.filter(\.admitsPrompts)
        if asked.count == 1 { return (try? await fetch(asked[0], method, path)).map { [$0] } ?? [] }
        let gathering = Gathering<HostReply>(count: asked.count, on: loop)
        let tasks = asked.indices.map { index in
            loop.startTask { [self] in gathering.put(try? await fetch(asked[index], method, path), at: index) }
        }
        let replies = await gathering.wait()
        for task in tasks { task.cancel() }  // if the client has left
        return replies
    }

    private func fetch(
        _ backend: OllamaBackend, _ method: String, _ path: String, _ body: Payload? = nil, lines: [UInt8] = []
    ) async throws(OllamaError) -> HostReply {
        try await backend.client.fetch(method, path, body, lines: lines, deadlines: Self.listingDeadlines)
    }

    // MARK: Of one host

    /// The reply of the first host that answers with a status of success, else of the last one that answers at all.
    ///
    /// - Parameter model: hosts that may have it are asked first.
    private func first(
        _ method: String, _ path: String, _ request: Request, _ body: Payload? = nil, model: ModelName? = nil
    ) async throws(PromptFailure) -> PassedOnReply {
        let now = loop.now
        let isLikely: (OllamaBackend) -> Bool = { backend in
            model.map { backend.inventory.availability(of: $0, at: now) > .absent } ?? true
        }
        let lines = request.withHead { $0.linesToPassOn(leavingOut: ForwardedReply.ownFields) } ?? []
        var last: HostReply?
        for backend in backends.filter(isLikely) + backends.filter({ !isLikely($0) }) where backend.admitsPrompts {
            if Task.isCancelled { throw .cancelled }
            guard let reply = try? await fetch(backend, method, path, body, lines: lines) else { continue }
            if reply.head.status < 300 { return PassedOnReply(reply) }
            last = reply
        }
        guard let last else { throw .allBackendsDown(count: backends.count, retryAfter: 1) }
        return PassedOnReply(last)
    }

    private func show(_ request: Request) async throws(PromptFailure) -> PassedOnReply {
        guard let body = takeBody(of: request) else { throw .badRequest("missing request body") }
        let result = await work.run(weight: body.weight) { [rules] in
            Result { () throws(PromptFailure) in try Prompt(passingOn: body.decoded(), to: nil, rules) }
        }
        let prompt = try result.get()
        return try await first("POST", "/api/show", request, prompt.payload, model: prompt.model)
    }

    private func model(_ name: String, _ request: Request) async throws(PromptFailure) -> PassedOnReply {
        let models = settings.protection.models
        guard !models.isEmpty else {
            return try await first("GET", "/v1/models/" + name, request, model: ModelName(name))
        }
        switch models.verdict(on: ModelName(name)) {
        case .asIs: return try await first("GET", "/v1/models/" + name, request, model: ModelName(name))
        case .instead(let other): return try await first("GET", "/v1/models/" + other, request, model: ModelName(other))
        case .refused: throw .forbidden("The model '\(name.prefix(200))' is not allowed here: ask another model.")
        }
    }
}
