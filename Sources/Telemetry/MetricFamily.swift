internal import Synchronization

/// The values of one metric, one for each set of labels. Usable on any thread.
final class MetricFamily: Sendable {
    let instrument: Instrument
    private let state = Mutex(State())

    private struct State {
        var series: [Series] = []
        var places: [String: Int] = [:]
    }

    /// The value for one set of labels.
    struct Series: Sendable {
        /// As they are written, without braces: `model="a",error_type="timeout"`. Empty without labels.
        let labels: String
        let cell: Cell
    }

    enum Cell: Sendable {
        case counter(CounterCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)

        init(_ instrument: Instrument) {
            self =
                switch instrument.kind {
                case .counter: .counter(CounterCell())
                case .gauge: .gauge(GaugeCell())
                case .histogram(let bounds): .histogram(HistogramCell(bounds, scale: instrument.unit.scale))
                }
        }
    }

    init(_ instrument: Instrument) { self.instrument = instrument }

    /// The value for these labels, which is made when it is asked for first.
    func cell(_ dimensions: [(String, String)]) -> Cell {
        let labels = Self.text(dimensions)
        return state.withLock { state in
            if let place = state.places[labels] { return state.series[place].cell }
            let cell = Cell(instrument)
            state.places[labels] = state.series.count
            state.series.append(Series(labels: labels, cell: cell))
            return cell
        }
    }

    /// Forgets a value, which is no longer shown.
    func remove(where isGone: (Cell) -> Bool) {
        state.withLock { state in
            state.series.removeAll { isGone($0.cell) }
            state.places = [:]
            for (place, series) in state.series.enumerated() { state.places[series.labels] = place }
        }
    }

    /// All values. The lock is held only to copy a reference; who records a value never takes it.
    var series: [Series] { state.withLock(\.series) }

    /// Labels as they are written. Source: Prometheus, "Exposition formats", comments and escaping.
    static func text(_ dimensions: [(String, String)]) -> String {
        var text = ""
        for (name, value) in dimensions {
            if !text.isEmpty { text += "," }
            text += Instrument.sanitized(name) + "=\""
            for character in value.unicodeScalars {
                switch character {
                case "\\": text += "\\\\"
                case "\"": text += "\\\""
                case "\n": text += "\\n"
                default: text.unicodeScalars.append(character)
                }
            }
            text += "\""
        }
        return text
    }
}
