internal import EventLoop
internal import HTTPClient

/// Checks the backends in the background: which models they have, and whether those that failed work again.
///
/// Each backend stores its results, so that health checks and prompts only look them up. Belongs to the loop's thread.
final class HealthChecker {
    private let backends: [EngineBackend]
    private let interval: Duration
    private let loop: EventLoop
    private var timers: [LoopTimer] = []
    private var tasks: [Task<Void, Never>?]
    private var isStopped = false
    /// Called when a backend's circuit breaker has opened (false), or a probe has succeeded after that (true).
    private let onChange: (_ backend: EngineBackend, _ isAvailable: Bool) -> Void

    /// The deadlines are short, because a listing takes no time, however busy the models are.
    private static let deadlines: Deadlines = {
        var deadlines = Deadlines()
        deadlines.connect = .seconds(2)
        deadlines.firstByte = .seconds(3)
        deadlines.idle = .seconds(3)
        deadlines.total = .seconds(5)
        return deadlines
    }()

    /// - Parameter interval: the time between two checks of one backend; 0: only backends whose breaker is open are
    ///   checked.
    init(
        _ backends: [EngineBackend], every interval: Duration, on loop: EventLoop,
        onChange: @escaping (_ backend: EngineBackend, _ isAvailable: Bool) -> Void
    ) {
        self.backends = backends
        self.interval = interval
        self.loop = loop
        self.onChange = onChange
        tasks = backends.map { _ in nil }
        for (index, backend) in backends.enumerated() {
            timers.append(LoopTimer(on: loop) { [unowned self] in begin(index) })
            backend.onBreakerOpened = { [unowned self] in
                self.onChange(self.backends[index], false)
                schedule(index)
            }
        }
    }

    /// Starts the first checks, all at once.
    func start() {
        guard interval > .zero else { return }
        for index in backends.indices { begin(index) }
    }

    /// Cancels the running checks, waits for them to end, and starts no more.
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
        await loop.turn()  // so that `tasks` has this task before it ends
        let isBack = await backends[index].check(deadlines: Self.deadlines, on: loop)
        tasks[index] = nil
        schedule(index)
        if isBack { onChange(backends[index], true) }
    }
}
