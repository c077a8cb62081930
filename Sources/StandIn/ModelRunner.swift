import EventLoop

/// Loads models, and runs a limited number of requests at once, as Ollama does. Belongs to the loop's thread.
///
/// Ollama's queue limit applies only while a model is not loaded. After that, requests wait without limit.
/// Source: `server/sched.go` and `llm/server.go` of Ollama.
final class ModelRunner {
    private let settings: StandInSettings
    private let loop: EventLoop
    private(set) var loaded: Set<String> = []
    private(set) var loads = 0
    /// The loads that were aborted.
    private(set) var aborts = 0
    private var loadTasks: [String: Task<Void, Never>] = [:]
    private var loading: [String: [Waiter]] = [:]
    private var running = 0
    private var waiting: [Waiter] = []
    private var isHeld = false

    /// A request that waits for a model to load, or for permission to run.
    private final class Waiter {
        let latch: Latch
        /// Whether the request may run.
        var hasSlot = false

        init(on loop: EventLoop) { latch = Latch(on: loop) }
    }

    init(_ settings: StandInSettings, on loop: EventLoop) {
        self.settings = settings
        self.loop = loop
    }

    /// Waits until the model is loaded. Returns false if too many requests wait already.
    func load(_ model: String) async -> Bool {
        if loaded.contains(model) { return true }
        guard loading.values.reduce(0, { $0 + $1.count }) < settings.queue else { return false }
        let waiter = Waiter(on: loop)
        let isFirst = loading[model] == nil
        loading[model, default: []].append(waiter)
        if isFirst { beginLoading(model) }
        await waiter.latch.waitUnlessCancelled()
        if Task.isCancelled && settings.abortsLoads { abort(waiter, model) }
        return true
    }

    /// Begins to load a model.
    private func beginLoading(_ model: String) {
        loadTasks[model] = loop.startTask { [self] in
            await loop.sleep(for: settings.loadTime)
            if !Task.isCancelled { finishLoading(model) }
        }
    }

    /// Aborts a load whose first request has ended, and begins it again for those that wait too.
    private func abort(_ waiter: Waiter, _ model: String) {
        guard let waiting = loading[model], let index = waiting.firstIndex(where: { $0 === waiter }) else { return }
        loading[model]?.remove(at: index)
        guard index == 0 else { return }
        loadTasks[model]?.cancel()
        aborts += 1
        if waiting.count > 1 { beginLoading(model) } else { loading[model] = nil }
    }

    private func finishLoading(_ model: String) {
        loads += 1
        loaded.insert(model)
        for waiter in loading.removeValue(forKey: model) ?? [] { waiter.latch.open() }
    }

    /// Runs `body` when the request may run. If the task is cancelled before that, `body` does not run.
    func inTurn(_ body: () async -> Void) async {
        guard await enter() else { return }
        await body()
        leave()
    }

    private func enter() async -> Bool {
        if hasRoom {
            running += 1
            return true
        }
        let waiter = Waiter(on: loop)
        waiting.append(waiter)
        await waiter.latch.waitUnlessCancelled()
        if !waiter.hasSlot { waiting.removeAll { $0 === waiter } }
        return waiter.hasSlot
    }

    private func leave() {
        running -= 1
        admitNext()
    }

    private var hasRoom: Bool { !isHeld && (settings.parallel == 0 || running < settings.parallel) }

    private func admitNext() {
        while hasRoom, !waiting.isEmpty { admitOne() }
    }

    private func admitOne() {
        let next = waiting.removeFirst()
        running += 1
        next.hasSlot = true
        next.latch.open()
    }

    // MARK: Holding

    /// Makes requests wait from now on, until `release`.
    func hold() { isHeld = true }

    /// Runs the first waiting request, regardless of the limit. Does nothing if none waits.
    func step() {
        if !waiting.isEmpty { admitOne() }
    }

    /// Runs the waiting requests.
    func release() {
        isHeld = false
        admitNext()
    }
}
