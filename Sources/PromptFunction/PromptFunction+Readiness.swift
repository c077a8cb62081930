internal import FunctionHost
internal import EventLoop
internal import HTTPServer

extension PromptFunction {
    /// Whether prompts should be sent here, according to the last checks. Sends no request.
    var readiness: Health {
        let waiting = admission.unparked
        if settings.readyQueue > 0 && waiting >= settings.readyQueue {
            return .unhealthy(waiting == 1 ? "1 prompt is waiting" : "\(waiting) prompts are waiting")
        }
        guard settings.readiness != .process else { return .healthy }
        guard backends.contains(where: { $0.lastCheck != nil }) else {
            return .unhealthy("\(ServerName(of: backends).atStart) has not answered yet")
        }
        let answering = backends.filter { $0.lastCheck == .answers && $0.admitsPrompts }
        guard !answering.isEmpty else { return .unhealthy(whyNoneAnswers) }
        let model = ModelName(settings.model)
        let best = answering.map { $0.inventory.availability(of: model, at: loop.now) }.max() ?? .absent
        switch settings.readiness {
        case .model where best < .local:
            return .unhealthy("\(ServerName(of: backends).none) has the model '\(settings.model)'")
        case .loaded where !answering.contains { $0.inventory.isRunning(model) }:
            return .unhealthy("\(ServerName(of: backends).none) has the model '\(settings.model)' loaded")
        default: return .healthy
        }
    }

    private var whyNoneAnswers: String {
        let causes = backends.map { backend in
            guard case .fails(let error) = backend.lastCheck else { return "Recent requests failed." }
            return PromptFailure.ollama(error, model: "", host: .init(backend)).sentence
        }
        return "\(ServerName(of: backends).none) answers: \(causes.first ?? "")"
    }
}
