/// The text in which metrics are given to Prometheus.
package enum Exposition: Sendable {
    /// Source: Prometheus, "Exposition formats", text format 0.0.4.
    case prometheus
    /// Source: OpenMetrics 1.0.0.
    case openMetrics

    /// The value of the Content-Type field.
    package var mediaType: StaticString {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// All metrics of `registry` that have values. The time depends on how many these are, so call it on Dispatch.
    package func text(of registry: MetricsRegistry) -> [UInt8] {
        var writer = ExpositionWriter(self)
        for family in registry.all { writer.put(family) }
        return writer.finish()
    }
}

private struct ExpositionWriter {
    private let format: Exposition
    private var bytes: [UInt8] = []

    init(_ format: Exposition) {
        self.format = format
        bytes.reserveCapacity(65_536)
    }

    mutating func finish() -> [UInt8] {
        if format == .openMetrics { put("# EOF\n") }
        return bytes
    }

    mutating func put(_ family: MetricFamily) {
        let series = family.series
        guard !series.isEmpty else { return }
        let instrument = family.instrument
        let name = instrument.family
        putHead(instrument, name)
        for one in series {
            switch one.cell {
            case .counter(let cell):
                putSample(name + "_total", one.labels, Self.text(Double(cell.value) / instrument.unit.scale))
            case .gauge(let cell): putSample(name, one.labels, Self.text(cell.value))
            case .histogram(let cell): put(cell, instrument, name, one.labels)
            }
        }
    }

    private mutating func putHead(_ instrument: Instrument, _ name: String) {
        let type: String
        var shown = name
        switch instrument.kind {
        case .counter:
            type = "counter"
            if format == .prometheus { shown += "_total" }
        case .gauge: type = "gauge"
        case .histogram: type = "histogram"
        }
        put("# HELP \(shown) \(instrument.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n"))\n")
        put("# TYPE \(shown) \(type)\n")
        if format == .openMetrics, let unit = instrument.unit.suffix { put("# UNIT \(shown) \(unit)\n") }
    }

    /// Buckets count all values up to their bound.
    private mutating func put(_ cell: HistogramCell, _ instrument: Instrument, _ name: String, _ labels: String) {
        guard case .histogram(let bounds) = instrument.kind else { return }
        let start = labels.isEmpty ? "" : labels + ","
        let sum = cell.sum
        var count: Int64 = 0
        for (index, bucket) in cell.buckets.enumerated() {
            count += bucket
            let bound = index < bounds.count ? "\(bounds[index])" : "+Inf"
            putSample(name + "_bucket", "\(start)le=\"\(bound)\"", "\(count)")
        }
        putSample(name + "_sum", labels, Self.text(sum))
        putSample(name + "_count", labels, "\(count)")
    }

    private mutating func putSample(_ name: String, _ labels: String, _ value: String) {
        put(name)
        if !labels.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            put(labels)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(0x20)
        put(value)
        bytes.append(0x0A)
    }

    /// Whole numbers have no fraction.
    private static func text(_ value: Double) -> String {
        value.isNaN
            ? "NaN"
            : value.isInfinite
                ? (value < 0 ? "-Inf" : "+Inf")
                : value == value.rounded() && abs(value) < 0x1p53 ? "\(Int64(value))" : "\(value)"
    }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
