internal import APIs
internal import ContentCodings
internal import CoreMetrics
package import FunctionHost
internal import JSON
package import EventLoop
package import HTTPServer
package import Logging
internal import HTTPClient
internal import Ollama

/// The function that promptd serves: it answers prompts by asking Ollama.
///
/// Belongs to the loop's thread.
package final class PromptFunction: Function {
    /// As they were at the start: see `replace`.
    package let settings: Settings
    let loop: EventLoop
    let log: Logger
    let backends: [EngineBackend]
    let admission: Admission
    let work: WorkQueue
    let scratch = ScratchBuffer()
    private let checks: HealthChecker
    private(set) var rules: Prompt.Rules
    let protection: Protection
    private(set) var isDraining = false
    /// The requests for lists that are under way, by their paths.
    var listings: [String: SharedListing] = [:]
    let detailsGate: DetailsGate
    let sharedReplies = SharedReplies<PromptReply>()
    let sharedForwards = SharedReplies<ForwardedReply>()
    /// `nil` if loads end with their clients.
    let loads: LoadKeeper?
    /// `nil` if nobody reads what it knows.
    private(set) var monitor: PromptMonitor?

    package init(_ settings: Settings, on loop: EventLoop, log: Logger) {
        precondition(settings.hostCount > 0, "there has to be a host")
        self.settings = settings
        self.loop = loop
        self.log = log
        let work = WorkQueue(on: loop)
        self.work = work
        backends = settings.clients(work: work, on: loop).map { url, client in
            let backend = EngineBackend(
                url, client: client, maxInFlight: settings.maxInFlight, isAdaptive: settings.isAdaptive)
            let field = backend.name.field
            client.onResend = {
                log.info("resending on a new connection", metadata: ["\(field)": "\(url)"])
            }
            return backend
        }
        let admission = Admission(to: backends, settings.admissionLimits, on: loop)
        self.admission = admission
        checks = HealthChecker(backends, every: settings.needsChecks ? settings.checkInterval : .zero, on: loop) {
            backend, isAvailable in
            let metadata: Logger.Metadata = ["\(backend.name.field)": "\(backend.url)"]
            if isAvailable {
                log.notice("\(backend.name.inLog) is available again", metadata: metadata)
                admission.serve()
            } else {
                log.warning("\(backend.name.inLog) is unavailable", metadata: metadata)
            }
        }
        if backends.count > 1 {
            for backend in backends {
                // Not the backend itself, which would then never be freed.
                backend.onPausesChanged = { [url = backend.url, name = backend.name] in
                    Self.logPauses(log, url, name, $0, $1)
                }
            }
        }
        detailsGate = DetailsGate(on: loop)
        loads = settings.finishesLoads ? LoadKeeper(deadlines: settings.deadlines, work: work, on: loop) : nil
        protection = Protection(settings.protection, on: loop)
        rules = Self.rules(settings, settings.protection)
        if settings.metrics != nil || settings.tellsTiming || settings.logsPrompts || settings.traces != nil
            || protection.tenants != nil
        {
            monitor = PromptMonitor(settings.metrics ?? NOOPMetricsHandler.instance, of: self)
        }
    }

    private static func rules(_ settings: Settings, _ protection: ProtectionSettings) -> Prompt.Rules {
        Prompt.Rules(
            defaultModel: JSONText(settings.model), models: protection.models,
            maxPromptBytes: protection.maxPromptBytes, maxPredict: protection.maxPredict, coalesces: settings.coalesces,
            hasTenants: protection.tenants != nil)
    }

    private static func logPauses(
        _ log: Logger, _ host: String, _ name: ServerName, _ model: ModelName, _ isPaused: Bool
    ) {
        log.notice(
            isPaused
                ? "\(name.inLog) is passed over for the model after a failure"
                : "\(name.inLog) answers for the model again",
            metadata: ["\(name.field)": "\(host)", "model": "\(model.short.cut(to: 200))"])
    }

    // MARK: A function's life

    package func start() async throws { checks.start() }

    package func stop() async {
        await checks.stop()
        await loads?.stop()
        await monitor?.exporter?.stop()
        monitor?.stop()
        for backend in backends { backend.client.close() }
    }

    package func alive() -> Health { .healthy }

    package func ready() -> Health { isDraining ? .unhealthy("Stopping") : readiness }

    package func serverIsDraining() { isDraining = true }

    /// Uses other settings from now on: those of the protection, of the queue, and what TLS trusts. Prompts in flight and in
    /// the queue go on.
    package func replace(with other: Settings) {
        rules = Self.rules(settings, other.protection)
        protection.replace(with: other.protection)
        admission.replace(other.admissionLimits)
        if let tls = other.tls {
            for backend in backends { backend.client.useTLS(tls) }
        }
        if protection.tenants != nil && monitor == nil {
            monitor = PromptMonitor(NOOPMetricsHandler.instance, of: self)
        }
        for tenant in protection.tenants?.all ?? [] { admission.tenantMayContinue(tenant) }
    }

    /// The number of queued prompts.
    package var waiting: Int { admission.waiting }

    /// The number of prompts that backends are handling.
    package var inFlight: Int { admission.inFlight }

    /// The number of bodies that are being decoded on Dispatch, those of clients that have left included.
    package var decoding: Int { work.outstanding }

    // MARK: Requests

    /// Which codings a body may have. Source: RFC 9110, 12.5.3.
    private static let acceptedEncodings = HeaderField("Accept-Encoding", ContentCoding.accepted)!

    /// Refuses a client that may send no prompts, or has sent too many, before its prompt is received.
    package func refusal(of request: borrowing RequestHead) -> Response? {
        if request.method == .delete {
            let route = servedRoute(request.path)
            guard let route, Self.isAdmitted(.delete, by: route) else {
                return route.map(Self.methodNotAllowed) ?? .methodNotAllowed
            }
        }
        do throws(PromptFailure) {
            try protection.check(request, asksModel: asksModel)
            _ = try BodyCoding(of: request)
            return nil
        } catch {
            monitor?.metrics.refused(error)
            let names = names(of: request)
            note(error, names.metadata)
            let form = servedRoute(request.path).map { ErrorForm.api($0.api) } ?? AnswerForm(request).errors
            var response = error.response(as: form)
            response.fields = protection.origins.fields(for: request)
            response.fieldLines = (protection.tenant(of: request)?.rateLimitLines(at: loop.now) ?? []) + names.lines
            if case .encodedBody = error { response.fields.append(Self.acceptedEncodings) }
            return response
        }
    }

    /// What names a request that is refused by its head: in the log, with the client's address, and for the client.
    private func names(of request: borrowing RequestHead) -> (metadata: Logger.Metadata, lines: [UInt8]) {
        let names = monitor?.names(of: request)
        var metadata = names?.metadata ?? [:]
        metadata["client"] = "\(request.peer)"
        return (metadata, names?.lines ?? [])
    }

    /// What any reply to the request says, and which tenant has sent it.
    func fields(for request: Request) -> ReplyFields {
        request.withHead {
            ReplyFields(always: protection.origins.fields(for: $0), tenant: protection.tenant(of: $0))
        } ?? ReplyFields(always: [], tenant: nil)
    }

    /// Puts a prompt on its tenant's account.
    ///
    /// - Throws: if the tenant may not ask the model, or has used its tokens.
    @inline(never)
    func charge(_ tenant: Tenant, for prompt: Prompt, _ reply: some ClientReply) throws(PromptFailure) {
        try tenant.check(prompt.model, named: prompt.modelText)
        try tenant.checkTokens(for: prompt.textBytes, at: loop.now)
        reply.forEachRecord {
            $0.bill = TokenBill(tenant, for: prompt.textBytes, writes: $0.operation.writes)
        }
    }

    /// The client that sent the request. If it has left, which one no longer matters.
    func client(of request: Request) -> ClientIdentity {
        request.withHead { protection.client(of: $0) } ?? .v4(0)
    }

    /// Answers a prompt in promptd's own form, or a request of another API. Here is no further call for a prompt, because
    /// each one costs the task memory.
    package func handle(_ request: Request, _ reply: consuming Reply) async {
        if !settings.apis.isEmpty, let route = servedRoute(request.path) {
            return await handle(request, reply, route)
        }
        let fields = fields(for: request)
        let tenant = fields.tenant
        let reply = PromptReply(request, reply, fields, scratch: scratch, on: loop)
        reply.record = monitor?.begin(request, of: tenant, operation: .chat)
        do throws(PromptFailure) {
            let prompt = try await decode(request)
            reply.prompt = prompt
            if Task.isCancelled { throw .cancelled }
            if let tenant { try charge(tenant, for: prompt, reply) }
            try reply.hold(prompt.payload.count)
            if prompt.hasTools && reply.form == .text { throw .toolsAsText }
            if let limit = prompt.timeouts.write { request.lowerWriteTimeout(to: limit) }
            if !settings.fallbacks.isEmpty { noteModel(of: prompt, reply) }
            if prompt.isStreamed { reply.startHeartbeat(every: settings.heartbeat) }
            reply.record?.queue(at: loop.now)
            if let hash = prompt.sharingHash {
                let form = prompt.isStreamed ? nil : reply.form.whole
                let key = SharingKey(hash: hash, path: "", tenant: tenant?.identity, form: form)
                try await share(prompt, key, request, reply, in: sharedReplies)
                return finish(reply, nil)
            }
            let admissionRequest = admissionRequest(for: prompt, of: tenant)
            let permit = try await admission.acquire(
                admissionRequest, client: { [self] in client(of: request) }
            ) {
                reply.positionInQueue = $0
            }
            reply.positionInQueue = nil
            try await answer(prompt, admissionRequest, with: permit, reply)
            finish(reply, nil)
        } catch {
            await end(request, reply, after: error)
        }
    }

    /// Reads the body and writes Ollama's request body, on a Dispatch thread.
    @inline(never)
    private func decode(_ request: Request) async throws(PromptFailure) -> Prompt {
        guard let body = takeBody(of: request) else { throw .badRequest(PromptRequest.notAnObject) }
        let needsPrompt = request.withHead(Self.needsPrompt) ?? false
        let result = await work.run(weight: body.weight) { [rules] in
            Result { () throws(PromptFailure) in try Prompt(body: body.decoded(), needsPrompt: needsPrompt, rules) }
        }
        if case .failure(.noPrompt) = result, let route = Route(request.path) {
            throw .apiNotServed(route.api, path: request.path)
        }
        return try result.get()
    }

    /// The body of a request, which is still to be decoded on Dispatch.
    func takeBody(of request: Request) -> EncodedBody? {
        guard let body = request.takeBody() else { return nil }
        let coding = request.withHead { try? BodyCoding(of: $0) } ?? nil
        return EncodedBody(body, coding?.coding, limit: settings.maxDecodedBytes)
    }

    /// - Parameter record: of the prompt, if it has one.
    func note(_ failure: PromptFailure, of record: PromptRecord? = nil) {
        note(failure, record?.logMetadata ?? [:])
    }

    private func note(_ failure: PromptFailure, _ names: Logger.Metadata) {
        if failure.isCancelled { return }  // the client left
        let level: Logger.Level = failure.status.code >= 500 ? .warning : .info
        var metadata = failure.logMetadata(withTexts: settings.logsTexts)
        metadata["status"] = "\(failure.status.code)"
        metadata.merge(names) { $1 }
        log.log(level: level, "prompt failed", metadata: metadata)
    }
}
