import Dispatch
import EventLoop

/// The addresses of one host, looked up without blocking the loop. Belongs to the loop's thread.
final class Resolver {
    /// How long the result of a lookup is used.
    private static let lifetime = Duration.seconds(30)

    private let host: String
    private let port: UInt16
    private let loop: EventLoop
    private let lookUp: Origin.LookUp
    private let isNumeric: Bool
    private var known: [SocketAddress] = []
    private var expiry: LoopInstant?
    /// The lookup that is running, or whose outcome was not taken yet.
    private var lookup: Lookup?

    /// One call of `lookUp`, and the tasks that wait for it.
    ///
    /// `@unchecked Sendable`: Dispatch's thread only holds the reference; `finish`, which it posts to the loop, and
    /// `wait` run on the loop's thread, as `Latch` checks.
    private final class Lookup: @unchecked Sendable {
        let loop: EventLoop
        private(set) var outcome: Result<[SocketAddress], ResolveError>?
        private(set) var end: LoopInstant?
        private var waiters: [Latch] = []

        init(on loop: EventLoop) { self.loop = loop }

        func finish(_ outcome: Result<[SocketAddress], ResolveError>) {
            self.outcome = outcome
            end = loop.now
            for waiter in waiters { waiter.open() }
            waiters = []
        }

        /// Waits for the outcome, until `deadline` passes or the task is cancelled.
        func wait(until deadline: LoopInstant?) async {
            let latch = Latch(on: loop)
            waiters.append(latch)
            let timer = LoopTimer(on: loop) { latch.open() }
            timer.deadline = deadline
            await latch.waitUnlessCancelled()
            withExtendedLifetime(timer) {}
        }
    }

    init(host: String, port: UInt16, on loop: EventLoop, lookUp: @escaping Origin.LookUp) {
        loop.checkThread()
        self.host = host
        self.port = port
        self.loop = loop
        self.lookUp = lookUp
        let numeric = try? SocketAddress.resolve(host: host, port: port, numericOnly: true)
        isNumeric = numeric != nil
        known = numeric ?? []
    }

    /// The addresses, in the order in which to try them. Concurrent calls share one lookup.
    ///
    /// getaddrinfo(3) cannot be stopped: a lookup continues after all its waiters have left, and the next caller gets
    /// its result.
    func addresses(within limit: Duration, until totalDeadline: LoopInstant?) async throws(ClientError)
        -> [SocketAddress]
    {
        if isNumeric { return known }
        takeOutcome()
        if let expiry, loop.now < expiry { return known }
        let lookup = lookup ?? begin()
        self.lookup = lookup
        let ownDeadline = limit > .zero ? loop.now + limit : nil
        let isTotal = totalDeadline.map { total in ownDeadline.map { total < $0 } ?? true } ?? false
        await lookup.wait(until: isTotal ? totalDeadline : ownDeadline)
        if Task.isCancelled { throw .cancelled }
        guard let outcome = lookup.outcome else { throw .timeout(isTotal ? .total : .connect) }
        takeOutcome()
        do throws(ResolveError) {
            _ = try outcome.get()
        } catch {
            throw .unresolved(error)
        }
        return known
    }

    private func begin() -> Lookup {
        let lookup = Lookup(on: loop)
        let executor = loop.executor
        // A serial queue gets its own thread. The global queues have few threads, and a slow name server would block
        // them for other work.
        DispatchQueue(label: "promptd.lookup").async { [host, port, lookUp] in
            let outcome = Result { () throws(ResolveError) in try lookUp(host, port) }
            executor.post([{ lookup.finish(outcome) }])
        }
        return lookup
    }

    private func takeOutcome() {
        guard let lookup, let outcome = lookup.outcome, let end = lookup.end else { return }
        self.lookup = nil
        if case .success(let addresses) = outcome {
            known = addresses
            expiry = end + Self.lifetime
        }
    }

    /// Tries `address` first from now on, because it accepted a connection.
    func prefer(_ address: SocketAddress) {
        guard known.count > 1, let index = known.firstIndex(where: { $0.description == address.description }), index > 0
        else { return }
        known.swapAt(0, index)
    }
}
