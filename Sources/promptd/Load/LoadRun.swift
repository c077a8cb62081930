import EventLoop
import Glibc
import HTTPClient

/// One load run: opens the connections, sends the requests, measures. Belongs to the loop's thread.
///
/// Each connection has a task that sends one request after another.
final class LoadRun {
    /// The most connections that are being opened at once before the start. It is less than the queue of a listening
    /// socket.
    private static let openers = 256
    /// How long a connection's task waits after it could not connect, so that it does not retry a missing server
    /// without a pause.
    private static let rest = Duration.milliseconds(100)

    let plan: LoadPlan
    let loop: EventLoop
    let origin: Origin
    let head: RequestTemplate
    let measurements = Measurements()
    /// The body of every request, if all bodies are the same.
    let payload: Payload?
    /// The number of connections that were requested before the start.
    private(set) var begun = 0
    private var pacer: RequestPacer?
    private var tasks: [Task<Void, Never>] = []
    private var signals: [LoopSignal] = []
    /// Whether the user ended the run.
    private(set) var isStopped = false

    init(_ plan: LoadPlan, on loop: EventLoop) {
        self.plan = plan
        self.loop = loop
        head = plan.head
        payload = plan.body.isConstant ? Payload(plan.body.bytes(0)) : nil
        origin = Origin(
            host: plan.server.host, port: plan.server.port, tls: plan.server.tls, deadlines: plan.deadlines,
            idleLimit: plan.connections, on: loop)
    }

    /// Runs until the schedule is over and every request has ended, or until SIGINT or SIGTERM arrives.
    ///
    /// A second signal ends the process at once.
    ///
    /// - Returns: the measurements.
    func run() async -> Measurements {
        LoopSignal.ignoreBrokenPipes()
        signals = [SIGINT, SIGTERM].compactMap { number in
            try? LoopSignal(number, on: loop) { [unowned self] in
                if isStopped { _exit(128 + number) }
                stop()
            }
        }
        await inParallel(min(Self.openers, plan.connections)) { run, _ in await run.openConnections() }
        if origin.connectionsOpened > 0 && !isStopped {
            let start = LoopInstant.current
            measurements.start = start
            let before = ProcessorTime.seconds
            pacer = RequestPacer(plan.schedule, start: start, on: loop)
            await inParallel(plan.connections) { run, index in await run.useConnection(index) }
            measurements.end = .current
            measurements.ownSeconds = ProcessorTime.seconds - before
        }
        origin.closeIdle()
        signals = []
        return measurements
    }

    /// Runs `count` copies of `operation` at the same time, and waits until all have ended.
    private func inParallel(_ count: Int, _ operation: @escaping (LoadRun, Int) async -> Void) async {
        tasks = (0..<count).map { start(operation, $0) }
        if isStopped { for task in tasks { task.cancel() } }
        for task in tasks { await task.value }
        tasks = []
    }

    private func start(_ operation: @escaping (LoadRun, Int) async -> Void, _ index: Int) -> Task<Void, Never> {
        loop.startTask { [self] in await operation(self, index) }
    }

    /// Cancels the requests in flight.
    private func stop() {
        isStopped = true
        pacer?.close()
        for task in tasks { task.cancel() }
    }

    // MARK: Tasks

    private func openConnections() async {
        while begun < plan.connections, !isStopped {
            begun += 1
            let start = LoopInstant.current
            do throws(ClientError) {
                try await origin.open()
                measurements.connecting.record(.current - start)
            } catch {
                if let failure = LoadFailure(error) { measurements.fail(failure) }
                if origin.connectionsOpened == 0 { return }  // no server: report it once only
            }
        }
    }

    private func useConnection(_ index: Int) async {
        await loop.sleep(for: plan.schedule.start(ofConnection: index, of: plan.connections))
        while let pacer, let request = await pacer.next() {
            let failure = await send(request)
            if failure?.isOfConnecting == true { await loop.sleep(for: Self.rest) }
        }
    }
}
