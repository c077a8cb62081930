internal import EventLoop
internal import HTTPClient
internal import Ollama

/// Lets loads of models outlive the clients that caused them.
///
/// Ollama aborts a load when the request that began it ends: clients whose patience is shorter than a load never get the
/// model. So a request of promptd's own begins the load, with the prompt's options, and waits for its end. Belongs to the
/// loop's thread.
final class LoadKeeper {
    /// Maximum loads that are kept at the same time. Each is a short request and a connection.
    static let capacity = 16

    private let deadlines: Deadlines
    private let work: WorkQueue
    private let loop: EventLoop
    private var tasks: [Key: Task<Void, Never>] = [:]

    private struct Key: Hashable {
        let seed: UInt64
        let model: ModelName
    }

    init(deadlines: Deadlines, work: WorkQueue, on loop: EventLoop) {
        self.deadlines = deadlines
        self.work = work
        self.loop = loop
    }

    /// Begins to load a prompt's model on a host, if it is not loaded and its load is not kept already.
    func keep(_ prompt: Prompt, on backend: EngineBackend) {
        guard !backend.client.isTranslating else { return }  // only Ollama loads models for a request
        let key = Key(seed: backend.seed, model: prompt.model)
        guard !backend.inventory.isRunning(prompt.model), tasks[key] == nil, tasks.count < Self.capacity else { return }
        var pending: Prompt? = prompt  // let go before the load: its bytes count only while its client waits
        tasks[key] = loop.startTask { [self] in
            await loop.turn()  // so that `tasks` has this task before it ends
            if let body = await loadRequest(of: pending.take()) { await load(body, on: backend) }
            tasks[key] = nil
        }
    }

    private func loadRequest(of prompt: consuming Prompt?) async -> [UInt8]? {
        guard let prompt else { return nil }
        return await work.run(weight: prompt.payload.count) { prompt.loadRequest }
    }

    private func load(_ body: [UInt8], on backend: EngineBackend) async {
        _ = try? await backend.client.fetch("POST", "/api/generate", Payload(body), lines: [], deadlines: deadlines)
    }

    /// Keeps nothing more, and waits until all requests have ended.
    func stop() async {
        for task in tasks.values {
            task.cancel()
            await task.value
        }
    }
}
