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
    func changeModels(_ request: Request, _ reply: consuming Reply, _ route: Route) async {
        let fields = request.withHead { protection.origins.fields(for: $0) } ?? []
        let reply = ForwardedReply(request, reply, to: route, fields: fields, scratch: scratch)
        do throws(PromptFailure) {
            guard settings.allowsModelChanges, let backend = backends.first else {
                throw .forbidden("Models are not changed here: start promptd with --allow-model-changes.")
            }
            guard let body = takeBody(of: request) else { throw .badRequest("missing request body") }
            let decoded = await work.run(weight: body.weight) {
                Result { () throws(PromptFailure) in try body.decoded() }
            }
            let payload = Payload(try decoded.get())
            try reply.hold(payload.count)
            do throws(OllamaError) {
                _ = try await reply.forward(
                    payload, to: backend.client, .other(method: route.method.rawValue),
                    deadlines: Self.changeDeadlines)
            } catch {
                throw .ollama(error, model: "", host: .init(backend))
            }
        } catch {
            note(error)
            reply.fail(error)
        }
    }
}
