internal import APIs
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Ollama

/// Requests that change which models are installed. They wait in no queue.
extension PromptFunction {
    /// A model may take hours to come, but something must come.
    private static let changeDeadlines = {
        var deadlines = Deadlines()
        deadlines.total = .zero
        return deadlines
    }()

    /// Passes the request on to the only host, if the operator allows it.
    func changeModels(_ request: Request, _ reply: consuming Reply, _ change: ModelChange) async {
        let fields = fields(for: request)
        let reply = ForwardedReply(request, reply, to: .modelChange(change), fields, scratch: scratch, on: loop)
        do throws(PromptFailure) {
            if let tenant = fields.tenant, !tenant.settings.models.isEmpty {
                throw .forbidden("A tenant that may ask some models only may not change them.")
            }
            let backend = try hostToChange()
            guard let body = takeBody(of: request) else { throw .badRequest("missing request body") }
            let decoded = await work.run(weight: body.weight) {
                Result { () throws(PromptFailure) in try body.decoded() }
            }
            let payload = Payload(try decoded.get())
            try reply.hold(payload.count)
            let method = if case .delete = change { "DELETE" } else { "POST" }
            do throws(OllamaError) {
                _ = try await reply.forward(
                    payload, to: backend.client, .other(method: method),
                    options: RequestOptions(deadlines: Self.changeDeadlines))
            } catch {
                throw .ollama(error, model: "", host: .init(backend))
            }
        } catch {
            note(error)
            reply.fail(error)
        }
    }

    /// Asks the only host whether it has a file of a model. Clients send only those that it has not.
    func findBlob(_ request: Request, _ reply: consuming Reply) async {
        let fields = fields(for: request)
        let path = request.path
        await send(fields, as: .ollama, on: reply, holding: request) { [self] () throws(PromptFailure) in
            PassedOnReply(try await fetch(try hostToChange(), "HEAD", path).get())
        }
    }

    private func hostToChange() throws(PromptFailure) -> EngineBackend {
        guard settings.allowsModelChanges, let backend = backends.first else {
            throw .forbidden("Models are not changed here: start promptd with --allow-model-changes.")
        }
        return backend
    }
}
