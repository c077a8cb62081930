public import EventLoop
internal import Glibc
public import HTTPServer
public import Logging

/// Runs a function as a service: starts it, serves it until a signal arrives, answers what is in flight, and stops it.
///
/// Belongs to the loop's thread.
public final class FunctionServer {
    /// How long the requests in flight have when the server stops. See `Server.drain`.
    public struct Drain: Sendable, Equatable {
        /// The time for everything, `grace` included.
        public var limit: Duration
        /// The time during which new requests are still answered.
        public var grace: Duration

        /// `limit` should be below the time after which the platform kills the process: 30 s on Kubernetes.
        public init(limit: Duration = .seconds(25), grace: Duration = .zero) {
            self.limit = limit
            self.grace = grace
        }
    }

    private enum State {
        case serving
        case stopping(Drain)
    }

    /// The server, which listens where it is told to.
    public let server: Server
    /// Finishes what others have begun, within a time, before the function stops. Returns how much was cut.
    package var finishOthers: ((Duration) async -> Int)?
    private let function: any Function
    private let loop: EventLoop
    private var state = State.serving
    private let stopRequested: Latch
    private var signals: [LoopSignal] = []

    /// Makes a server that does not listen yet.
    public init(_ function: any Function, limits: Limits = Limits(), on loop: EventLoop, log: Logger) {
        self.function = function
        self.loop = loop
        server = Server(function, limits: limits, on: loop, log: log)
        stopRequested = Latch(on: loop)
    }

    /// Does everything: starts the function, listens, serves until SIGTERM or SIGINT arrives, and finishes.
    ///
    /// - Parameter listening: called with each address, with its real port, before the first request.
    /// - Returns: the number of requests that were cut because the time for finishing was up.
    /// - Throws: `ListenError`, `EventLoopError`, and whatever the function's `start` throws.
    public func run(
        on addresses: [SocketAddress], drain: Drain = Drain(), listening: (SocketAddress) -> Void = { _ in }
    ) async throws -> Int {
        try await function.start()
        let bound = try addresses.map { try server.listen(on: $0) }
        for signal in [SIGTERM, SIGINT] { try stop(at: signal, drain) }
        bound.forEach(listening)
        return await finish()
    }

    // MARK: The steps of `run`

    /// Stops the server when signal `number` arrives (signal(7)). If it is stopping already, the signal ends the process
    /// at once, with status 128 + `number`.
    ///
    /// - Throws: `EventLoopError` when the system does not install the handler.
    public func stop(at number: CInt, _ drain: Drain) throws(EventLoopError) {
        signals.append(
            try LoopSignal(number, on: loop) { [unowned self] in
                if case .stopping = state { _exit(128 + number) }
                stop(drain)
            })
    }

    /// Asks the server to stop. Does nothing if it is stopping already.
    public func stop(_ drain: Drain) {
        guard case .serving = state else { return }
        state = .stopping(drain)
        stopRequested.open()
    }

    /// Waits until the server is asked to stop. One task may wait.
    ///
    /// - Returns: the time for finishing.
    public func waitForStop() async -> Drain {
        await stopRequested.wait()
        guard case .stopping(let drain) = state else { preconditionFailure("the latch opens with this state only") }
        return drain
    }

    /// Waits until the server is asked to stop, answers the requests in flight, closes all connections, and stops the
    /// function.
    ///
    /// - Returns: the number of requests that were cut because the time was up.
    public func finish() async -> Int {
        let drain = await waitForStop()
        let began = loop.now
        var cut = await server.drain(within: drain.limit, grace: drain.grace)
        if let finishOthers { cut += await finishOthers(max(drain.limit - (loop.now - began), .zero)) }
        await function.stop()
        return cut
    }
}
