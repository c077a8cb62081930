import CoreMetrics
import EventLoop
import HTTPServer
import Synchronization
import Telemetry

/// Metrics of the server and of the loop. Belongs to the loop's thread.
final class ServerMetrics {
    private static let connections = Instrument(
        "promptd.connections", .gauge, .none, "Open connections of clients, idle ones included.")
    private static let connectionLimit = Instrument(
        "promptd.connections.limit", .gauge, .none, "Connections of clients that may be open (--max-connections).")
    private static let requests = Instrument(
        "promptd.requests_in_flight", .gauge, .none, "Requests of any kind that are being handled.")
    private static let buffered = Instrument(
        "promptd.buffered", .gauge, .bytes, "Bytes that clients make the server hold.")
    private static let bufferedLimit = Instrument(
        "promptd.buffered.limit", .gauge, .bytes, "Bytes that they may make it hold (--max-buffered-bytes).")
    private static let rejections = Instrument(
        "promptd.rejections", .counter, .none,
        "Requests and connections that the server rejected: too many, too long, too slow, or malformed.")
    private static let drops = Instrument(
        "promptd.dropped_clients", .counter, .none,
        "Clients that were dropped, because they did not read their replies.")
    private static let lag = Instrument(
        "promptd.loop.lag",
        .histogram([0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1]),
        .seconds, "How much later than due the loop ran a timer, measured once a second.")
    private static let lostLines = Instrument(
        "promptd.log.dropped_lines", .counter, .none,
        "Lines of the log that were lost, because nobody read it fast enough.")
    private static let build = Instrument("promptd.build.info", .gauge, .none, "1, with promptd's version.")

    static let instruments = [
        connections, connectionLimit, requests, buffered, bufferedLimit, rejections, drops, lag, lostLines, build,
    ]

    /// The time between two measurements of the lag.
    private static let interval = Duration.seconds(1)

    private let server: Server
    private let limits: Limits
    private let loop: EventLoop
    private let connections, connectionLimit, requests, buffered, bufferedLimit: Gauge
    private let lag: CoreMetrics.Timer
    private let rejections, drops, lostLines: Counter
    private var counted = (rejections: 0, drops: 0, lines: 0)
    private var timer: LoopTimer?
    /// The last lag that was measured.
    private(set) var lastLag = Duration.zero

    init(_ factory: any MetricsFactory, _ server: Server, _ limits: Limits, on loop: EventLoop) {
        self.server = server
        self.limits = limits
        self.loop = loop
        func gauge(_ instrument: Instrument) -> Gauge { Gauge(label: instrument.name, factory: factory) }
        connections = gauge(Self.connections)
        connectionLimit = gauge(Self.connectionLimit)
        requests = gauge(Self.requests)
        buffered = gauge(Self.buffered)
        bufferedLimit = gauge(Self.bufferedLimit)
        lag = Timer(label: Self.lag.name, factory: factory)
        rejections = Counter(label: Self.rejections.name, factory: factory)
        drops = Counter(label: Self.drops.name, factory: factory)
        lostLines = Counter(label: Self.lostLines.name, factory: factory)
        Gauge(label: Self.build.name, dimensions: [("version", Promptd.version)], factory: factory).record(1)
        timer = LoopTimer(on: loop) { [unowned self] in measureLag() }
        timer?.deadline = loop.now + Self.interval
    }

    private func measureLag() {
        guard let due = timer?.deadline else { return }
        lastLag = max(loop.now - due, .zero)
        lag.recordNanoseconds(lastLag.inNanoseconds)
        timer?.deadline = loop.now + Self.interval
    }

    /// Sets the gauges to what is true now.
    ///
    /// - Parameter lost: the lines of the log that were lost since the start.
    func collect(lost: Int) {
        connections.record(server.connections)
        connectionLimit.record(limits.connections)
        requests.record(server.requestsInFlight)
        buffered.record(server.bufferedBytes)
        bufferedLimit.record(limits.bufferedBytes)
        rejections.increment(by: server.rejections - counted.rejections)
        drops.increment(by: server.drops - counted.drops)
        lostLines.increment(by: lost - counted.lines)
        counted = (server.rejections, server.drops, lost)
    }
}
