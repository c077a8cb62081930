internal import EventLoop
internal import HTTPServer
internal import Ollama

extension PromptFunction {
    /// Whether prompts should be sent here, from what the last checks found. Asks nobody.
    var readiness: Health {
        if settings.readyQueue > 0 && admission.waiting >= settings.readyQueue {
            return .unwell("\(admission.waiting) prompts are waiting")
        }
        guard settings.readiness != .process else { return .well }
        guard backends.contains(where: { $0.lastCheck != nil }) else { return .unwell("Ollama has not answered yet") }
        let answering = backends.filter { $0.lastCheck == .answers && $0.admitsPrompts }
        guard !answering.isEmpty else { return .unwell(whyNoneAnswers) }
        let model = ModelName(settings.model)
        let best = answering.map { $0.inventory.standing(of: model, at: loop.now) }.max() ?? .absent
        switch settings.readiness {
        case .model where best < .there: return .unwell("No Ollama has the model '\(settings.model)'")
        case .loaded where !answering.contains { $0.inventory.hasLoaded(model) }:
            return .unwell("No Ollama has the model '\(settings.model)' loaded")
        default: return .well
        }
    }

    private var whyNoneAnswers: String {
        let causes = backends.map { backend in
            guard case .fails(let error) = backend.lastCheck else { return "it has failed" }
            return PromptFailure.ollama(error, model: "").sentence
        }
        return "No Ollama answers: \(causes.first ?? "")"
    }
}
