internal import JSON
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
        deadlines.firstByte = .seconds(5)
        deadlines.idle = .seconds(5)
        deadlines.total = .seconds(20)
        return deadlines
    }()

    typealias HostReply = (head: ForwardedHead, body: [UInt8])

    /// Answers a listing from what the hosts say now.
    func list(_ request: Request, _ reply: consuming Reply, _ listing: Listing) async {
        let fields = fields(for: request)
        let tenant = fields.tenant
        await send(fields, as: Route.listing(listing).api, on: reply, holding: request) {
            [self] () throws(PromptFailure) in
            switch listing {
            case .tags: try await list(listing, "/api/tags", for: tenant)
            case .running: try await list(listing, "/api/ps", for: tenant)
            case .models: try await list(listing, "/v1/models", for: tenant)
            case .version: try await shared("/api/version") { [self] in await first("GET", "/api/version") }
            case .show: try await limited { [self] () throws(PromptFailure) in try await show(request, for: tenant) }
            case .model(let name):
                try await limited { [self] () throws(PromptFailure) in try await model(name, for: tenant) }
            }
        }
    }

    /// The list of all hosts' models that the client may ask.
    private func list(
        _ listing: Listing, _ path: String, for tenant: Tenant?
    ) async throws(PromptFailure) -> PassedOnReply {
        let policy = tenant?.settings.models ?? .any
        let key = policy.isEmpty ? path : "\(path) \(tenant?.name ?? "")"
        return try await shared(key) { [self] in await merged(listing, path, within: policy) }
    }

    /// Sends what `answer` returns, or its error in the form of `api`.
    ///
    /// - Parameter fields: further fields of the response.
    func send(
        _ fields: ReplyFields, as api: API, on reply: consuming Reply, holding request: Request,
        _ answer: () async throws(PromptFailure) -> PassedOnReply
    ) async {
        var pending: Reply? = consume reply
        do throws(PromptFailure) {
            let answer = try await answer()
            guard request.hold(answer.count) else { throw .noRoom }
            if let reply = pending.take() { answer.send(on: reply, fields, at: loop.now) }
        } catch {
            note(error)
            var response = error.response(as: .api(api))
            response.fields = fields.fields
            response.fieldLines = fields.lines(at: loop.now)
            pending.take()?.send(response)
        }
    }

    /// The answer of a request for the same list that is under way, or of a new one: however many clients ask, the hosts
    /// are asked once at a time.
    ///
    /// - Parameter key: names the list.
    private func shared(
        _ key: String, _ ask: @escaping () async -> ListingResult
    ) async throws(PromptFailure) -> PassedOnReply {
        let list: SharedListing
        if let current = listings[key] {
            list = current
        } else {
            list = SharedListing(on: loop)
            listings[key] = list
            list.start { [self] in
                let result = await ask()
                listings[key] = nil
                return result
            }
        }
        guard let result = await list.result() else { throw .cancelled }
        return try result.get()
    }

    /// Runs a request for one model's details when fewer than `DetailsGate.mostAtOnce` run.
    private func limited(
        _ ask: () async throws(PromptFailure) -> PassedOnReply
    ) async throws(PromptFailure) -> PassedOnReply {
        guard await detailsGate.enter() else {
            if Task.isCancelled { throw .cancelled }
            throw .queueFull(waiting: DetailsGate.mostWaiting, retryAfter: 1)
        }
        defer { detailsGate.leave() }
        return try await ask()
    }

    // MARK: Of all hosts

    /// The lists of all hosts together. A list of a single host is passed on as it is, unless some models have other
    /// names here, or are not allowed.
    ///
    /// - Parameter policy: what the tenant may ask.
    private func merged(_ listing: Listing, _ path: String, within policy: ModelPolicy) async -> ListingResult {
        let (replies, error) = await replies(to: path)
        let models = rules.models
        if replies.count == 1, let reply = replies.first, models.isEmpty, policy.isEmpty {
            return .success(PassedOnReply(reply))
        }
        guard !replies.isEmpty else { return .failure(noReply(error)) }
        let bodies = replies.filter { $0.head.status == 200 }.map(\.body)
        let merged = await work.run(weight: bodies.reduce(0) { $0 + $1.count }) {
            ModelListing.merged(bodies, of: listing) { name in
                policy.allows(name) ? models.names(of: name) : []
            }
        }
        if let merged { return .success(PassedOnReply(json: merged)) }
        // What is no list may name models that are not allowed.
        guard models.isEmpty, policy.isEmpty else {
            return .failure(.ollama(.malformedResponse, model: "", host: .init(backends[0])))
        }
        return .success(PassedOnReply(replies[0]))
    }

    private func noReply(_ error: PromptFailure?) -> PromptFailure {
        error ?? .allBackendsDown(count: backends.count, retryAfter: 1, ServerName(of: backends))
    }

    /// The replies of the hosts that answer, and why another one did not. All are asked at the same time.
    private func replies(to path: String) async -> (replies: [HostReply], error: PromptFailure?) {
        let asked = backends.filter(\.admitsPrompts)
        let gathering = Gathering<Result<HostReply, PromptFailure>>(count: asked.count, on: loop)
        let tasks = asked.indices.map { index in
            loop.startTask { [self] in gathering.put(await fetch(asked[index], "GET", path), at: index) }
        }
        let results = await gathering.wait()
        for task in tasks { task.cancel() }  // if this one was cancelled
        var error: PromptFailure?
        for case .failure(let failure) in results {
            error = failure
            if !failure.isCancelled {
                log.warning("a list leaves out a host", metadata: failure.logMetadata(withTexts: settings.logsTexts))
            }
        }
        return (results.compactMap { try? $0.get() }, error)
    }

    func fetch(
        _ backend: EngineBackend, _ method: String, _ path: String, _ body: Payload? = nil, lines: [UInt8] = []
    ) async -> Result<HostReply, PromptFailure> {
        do throws(OllamaError) {
            return .success(
                try await backend.client.fetch(method, path, body, lines: lines, deadlines: Self.listingDeadlines))
        } catch {
            return .failure(.ollama(error, model: "", host: .init(backend)))
        }
    }

    // MARK: Of one host

    /// The reply of the first host that answers with a status of success, else of the last one that answers at all.
    ///
    /// - Parameter model: hosts that may have it are asked first.
    private func first(
        _ method: String, _ path: String, _ body: Payload? = nil, model: ModelName? = nil
    ) async -> ListingResult {
        let now = loop.now
        let isLikely: (EngineBackend) -> Bool = { backend in
            model.map { backend.inventory.availability(of: $0, at: now) > .absent } ?? true
        }
        let lines = body == nil ? [] : Array("Content-Type: application/json\r\n".utf8)
        var last: HostReply?
        var failure: PromptFailure?
        for backend in backends.filter(isLikely) + backends.filter({ !isLikely($0) }) where backend.admitsPrompts {
            if Task.isCancelled { return .failure(.cancelled) }
            switch await fetch(backend, method, path, body, lines: lines) {
            case .success(let reply) where reply.head.status < 300: return .success(PassedOnReply(reply))
            case .success(let reply): last = reply
            case .failure(let error): failure = error
            }
        }
        return last.map { .success(PassedOnReply($0)) } ?? .failure(noReply(failure))
    }

    private func show(_ request: Request, for tenant: Tenant?) async throws(PromptFailure) -> PassedOnReply {
        guard let body = takeBody(of: request) else { throw .badRequest("missing request body") }
        let result = await work.run(weight: body.weight) { [rules] in
            Result { () throws(PromptFailure) in try Prompt(passingOn: body.decoded(), to: nil, rules) }
        }
        let prompt = try result.get()
        try tenant?.check(prompt.model, named: prompt.modelText)
        return try await first("POST", "/api/show", prompt.payload, model: prompt.model).get()
    }

    private func model(_ name: String, for tenant: Tenant?) async throws(PromptFailure) -> PassedOnReply {
        let models = rules.models
        var plain = PercentCoding.decode(name)
        var path = name
        switch models.isEmpty ? .asIs : models.verdict(on: ModelName(plain)) {
        case .asIs: break
        case .instead(let other):
            plain = other
            path = PercentCoding.encode(path: other)
        case .refused: throw .forbidden("The model '\(plain.cut(to: 200))' is not allowed here: ask another model.")
        }
        try tenant?.check(ModelName(plain), named: plain)
        return try await first("GET", "/v1/models/" + path, model: ModelName(plain)).get()
    }
}
