internal import EventLoop
internal import HTTPClient

/// Looks after the Ollamas in the background: what they have, and whether those that failed answer again.
///
/// What it finds is kept with each backend, so that health checks and prompts only look it up. Belongs to the loop's
/// thread.
final class HealthChecker {
    private let backends: [OllamaBackend]
    private let interval: Duration
    private let loop: EventLoop
    private var timers: [LoopTimer] = []
    private var tasks: [Task<Void, Never>?]
    private var isStopped = false
    /// Called when an Ollama answers again.
    private let onRecovered: () -> Void

    /// Short: what is only listed takes no time, however busy the models are.
    private static let deadlines: Deadlines = {
        var deadlines = Deadlines()
        deadlines.connect = .seconds(2)
        deadlines.firstByte = .seconds(3)
        deadlines.idle = .seconds(3)
        deadlines.total = .seconds(5)
        return deadlines
    }()

    /// - Parameter interval: between two checks of one Ollama; 0: those alone are checked whose breaker is open.
    init(
        _ backends: [OllamaBackend], every interval: Duration, on loop: EventLoop, onRecovered: @escaping () -> Void
    ) {
        self.backends = backends
        self.interval = interval
        self.loop = loop
        self.onRecovered = onRecovered
        tasks = backends.map { _ in nil }
        for (index, backend) in backends.enumerated() {
            timers.append(LoopTimer(on: loop) { [unowned self] in begin(index) })
            backend.onBreakerOpened = { [unowned self] in schedule(index) }
        }
    }

    /// Begins with the first checks, all at once.
    func start() {
        guard interval > .zero else { return }
        for index in backends.indices { begin(index) }
    }

    /// Ends the checks that are under way, and begins no more.
    func stop() async {
        isStopped = true
        for timer in timers { timer.deadline = nil }
        for task in tasks.compactMap({ $0 }) {
            task.cancel()
            await task.value
        }
    }

    private func schedule(_ index: Int) {
        guard !isStopped, tasks[index] == nil else { return }
        let regular = interval > .zero ? loop.now + interval : nil
        timers[index].deadline = [backends[index].breaker.nextProbe, regular].compactMap { $0 }.min()
    }

    private func begin(_ index: Int) {
        guard !isStopped, tasks[index] == nil else { return }
        tasks[index] = loop.startTask { [self] in await check(index) }
    }

    private func check(_ index: Int) async {
        await loop.turn()  // so that the task is known when it ends
        let isBack = await backends[index].check(deadlines: Self.deadlines, on: loop)
        tasks[index] = nil
        schedule(index)
        if isBack { onRecovered() }
    }
}
