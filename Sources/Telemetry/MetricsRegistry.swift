package import CoreMetrics
internal import Synchronization

/// Keeps the values of all metrics that are recorded through swift-metrics, for Prometheus to read.
///
/// A value is recorded without a lock: by an atomic addition. Usable on any thread.
package final class MetricsRegistry: MetricsFactory {
    private let families: Mutex<(list: [MetricFamily], byName: [String: MetricFamily])>

    /// - Parameter instruments: the metrics, in the order in which they are shown. One that is recorded and not described
    ///   here is shown after them.
    package init(_ instruments: [Instrument]) {
        let list = instruments.map { MetricFamily($0) }
        let byName = Dictionary(uniqueKeysWithValues: list.map { ($0.instrument.name, $0) })
        families = Mutex((list, byName))
    }

    /// All metrics.
    var all: [MetricFamily] { families.withLock(\.list) }

    /// The values of a metric that was made by `instruments`, or by whoever records it first.
    private func cell(
        _ label: String, _ dimensions: [(String, String)], orElse kind: Instrument.Kind, _ unit: Instrument.Unit = .none
    ) -> MetricFamily.Cell {
        let family = families.withLock { families in
            if let family = families.byName[label] { return family }
            let family = MetricFamily(Instrument(label, kind, unit, "Recorded as \(label)."))
            families.list.append(family)
            families.byName[label] = family
            return family
        }
        return family.cell(dimensions)
    }

    /// The buckets of a histogram that is not described.
    private static let bounds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

    // MARK: swift-metrics

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        if case .counter(let cell) = cell(label, dimensions, orElse: .counter) { return cell }
        return NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        if case .gauge(let cell) = cell(label, dimensions, orElse: .gauge) { return cell }
        return NOOPMetricsHandler.instance
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        switch cell(label, dimensions, orElse: aggregate ? .histogram(Self.bounds) : .gauge) {
        case .histogram(let cell): cell
        case .gauge(let cell): cell
        case .counter: NOOPMetricsHandler.instance
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        if case .histogram(let cell) = cell(label, dimensions, orElse: .histogram(Self.bounds), .seconds) {
            return cell
        }
        return NOOPMetricsHandler.instance
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func remove(_ handler: AnyObject) {
        for family in all {
            family.remove { cell in
                switch cell {
                case .counter(let cell): cell === handler
                case .gauge(let cell): cell === handler
                case .histogram(let cell): cell === handler
                }
            }
        }
    }
}
