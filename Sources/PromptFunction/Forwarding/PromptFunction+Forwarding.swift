internal import APIs
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Ollama

extension PromptFunction {
    /// Passes a request of an API on to a host, and its response back, with all that promptd does for its own prompts.
    func forward(_ request: Request, _ reply: consuming Reply, to endpoint: Endpoint) async {
        let fields = fields(for: request)
        let tenant = fields.tenant
        let reply = ForwardedReply(request, reply, to: .prompt(endpoint), fields, scratch: scratch, on: loop)
        reply.record = monitor?.begin(request, of: tenant, operation: endpoint.operation)
        do throws(PromptFailure) {
            let prompt = try await decode(request, to: endpoint)
            reply.prompt = prompt
            if Task.isCancelled { throw .cancelled }
            if let tenant { try charge(tenant, for: prompt, reply) }
            if !settings.fallbacks.isEmpty { noteModel(of: prompt, reply) }
            try reply.hold(prompt.payload.count)
            reply.record?.queue(at: loop.now)
            if let hash = prompt.sharingHash {
                let key = SharingKey(hash: hash, path: endpoint.rawValue, tenant: tenant?.identity, form: nil)
                try await share(prompt, key, request, reply, in: sharedForwards)
                return finish(reply, nil)
            }
            let admissionRequest = admissionRequest(for: prompt, of: tenant)
            let permit = try await admission.acquire(admissionRequest, client: { [self] in client(of: request) })
            try await answer(prompt, admissionRequest, with: permit, reply)
            finish(reply, nil)
        } catch {
            await end(request, reply, after: error)
        }
    }

    /// Reads what must be known of the body, on a Dispatch thread.
    @inline(never)
    private func decode(_ request: Request, to endpoint: Endpoint) async throws(PromptFailure) -> Prompt {
        guard let body = takeBody(of: request) else { throw .badRequest("missing request body") }
        let result = await work.run(weight: body.weight) { [rules] in
            Result { () throws(PromptFailure) in try Prompt(passingOn: body.decoded(), to: endpoint, rules) }
        }
        return try result.get()
    }
}
