import CoreMetrics
import Dispatch
import Telemetry
import Testing

/// Metrics as Prometheus gets them.
@Suite struct `Metrics` {
    private static let instruments = [
        Instrument("a.requests", .counter, .none, "Requests."),
        Instrument("a.busy", .counter, .seconds, "Time \\ spent,\nin all."),
        Instrument("a.level", .gauge, .bytes, "The level."),
        Instrument("a.wait", .histogram([0.1, 1, 10]), .seconds, "The wait."),
        Instrument("a.size", .histogram([1, 4]), .none, "The size."),
        Instrument("a.unused", .counter, .none, "Nobody records it."),
    ]

    private static func filled() -> MetricsRegistry {
        let registry = MetricsRegistry(instruments)
        Counter(label: "a.requests", dimensions: [("b.c", "x\"\\\ny")], factory: registry).increment(by: 3)
        Counter(label: "a.requests", factory: registry).increment()
        Counter(label: "a.busy", factory: registry).increment(by: 1_500_000_000)
        Gauge(label: "a.level", factory: registry).record(2.5)
        let wait = Timer(label: "a.wait", factory: registry)
        for milliseconds in [100, 101, 1000, 20_000] { wait.recordMilliseconds(milliseconds) }
        let size = Recorder(label: "a.size", factory: registry)
        for value in [0, 4, 5] { size.record(value) }
        return registry
    }

    private static func text(_ format: Exposition, _ registry: MetricsRegistry) -> String {
        String(decoding: format.text(of: registry), as: UTF8.self)
    }

    @Test func `are shown as Prometheus's text`() {
        #expect(
            Self.text(.prometheus, Self.filled()) == #"""
                # HELP a_requests_total Requests.
                # TYPE a_requests_total counter
                a_requests_total{b_c="x\"\\\ny"} 3
                a_requests_total 1
                # HELP a_busy_seconds_total Time \\ spent,\nin all.
                # TYPE a_busy_seconds_total counter
                a_busy_seconds_total 1.5
                # HELP a_level_bytes The level.
                # TYPE a_level_bytes gauge
                a_level_bytes 2.5
                # HELP a_wait_seconds The wait.
                # TYPE a_wait_seconds histogram
                a_wait_seconds_bucket{le="0.1"} 1
                a_wait_seconds_bucket{le="1.0"} 3
                a_wait_seconds_bucket{le="10.0"} 3
                a_wait_seconds_bucket{le="+Inf"} 4
                a_wait_seconds_sum 21.201
                a_wait_seconds_count 4
                # HELP a_size The size.
                # TYPE a_size histogram
                a_size_bucket{le="1.0"} 1
                a_size_bucket{le="4.0"} 2
                a_size_bucket{le="+Inf"} 3
                a_size_sum 9
                a_size_count 3

                """#)
    }

    @Test func `are shown as OpenMetrics`() {
        let text = Self.text(.openMetrics, Self.filled())
        #expect(text.hasSuffix("\n# EOF\n"))
        #expect(text.contains("# TYPE a_requests counter\na_requests_total{"))
        #expect(
            text.contains("# TYPE a_busy_seconds counter\n# UNIT a_busy_seconds seconds\na_busy_seconds_total 1.5\n"))
        #expect(text.contains("# UNIT a_level_bytes bytes\n") && !text.contains("# UNIT a_size"))
    }

    @Test func `that nobody has described are shown too`() {
        let registry = MetricsRegistry([])
        Counter(label: "9 lives.left", factory: registry).increment()
        Gauge(label: "g", factory: registry).record(1)
        Recorder(label: "r", factory: registry).record(1)
        Timer(label: "t", factory: registry).recordSeconds(2)
        Meter(label: "m", factory: registry).increment(by: 2.5)
        let text = Self.text(.prometheus, registry)
        #expect(text.contains("# HELP _9_lives_left_total Recorded as 9 lives.left.\n"))
        #expect(text.contains("\ng 1\n") && text.contains("\nr_sum 1\n") && text.contains("\nt_seconds_sum 2\n"))
        #expect(text.contains("\nm 2.5\n"))
    }

    @Test func `of another kind than described are not recorded`() {
        let registry = Self.filled()
        Gauge(label: "a.requests", factory: registry).record(1000)
        Counter(label: "a.wait", factory: registry).increment(by: 1000)
        #expect(!Self.text(.prometheus, registry).contains("1000"))
    }

    @Test func `that are destroyed are shown no more`() {
        let registry = MetricsRegistry(Self.instruments)
        let counters = ["x", "y", "z"].map { Counter(label: "a.requests", dimensions: [("n", $0)], factory: registry) }
        counters[1].destroy()
        counters[2].increment()
        Counter(label: "a.requests", dimensions: [("n", "z")], factory: registry).increment()
        let text = Self.text(.prometheus, registry)
        #expect(text.contains(#"{n="x"} 0"#) && !text.contains(#"n="y""#) && text.contains(#"{n="z"} 2"#))
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300])
    func `take any number`(value: Double) {
        let registry = MetricsRegistry(Self.instruments)
        Recorder(label: "a.size", factory: registry).record(value)
        Gauge(label: "a.level", factory: registry).record(value)
        let shown = value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : "1e+300"
        let text = Self.text(.prometheus, registry)
        #expect(text.contains("a_level_bytes \(shown)\n") && text.contains("a_size_count 0\n"))
    }

    @Test func `lose nothing when many threads record and others read`() {
        let registry = MetricsRegistry(Self.instruments)
        let (threads, each) = (8, 10_000)
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            let counter = Counter(label: "a.requests", factory: registry)
            let wait = Timer(label: "a.wait", factory: registry)
            let meter = Meter(label: "a.level", factory: registry)
            for step in 0..<each {
                counter.increment()
                wait.recordMilliseconds(50)
                meter.increment(by: 1)
                if step % 1000 == 0 { _ = Exposition.openMetrics.text(of: registry) }
            }
        }
        let text = Self.text(.prometheus, registry)
        #expect(text.contains("a_requests_total \(threads * each)\n"))
        #expect(text.contains("a_wait_seconds_count \(threads * each)\n"))
        #expect(text.contains("a_wait_seconds_sum \(threads * each / 20)\n"))
        #expect(text.contains("a_level_bytes \(threads * each)\n"))
    }
}
