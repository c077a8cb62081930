/// Describes one metric: its name, what is measured, in which unit. Each metric is described once, and this is where its
/// name in Prometheus, its help text and its buckets come from.
package struct Instrument: Sendable {
    /// How a metric's values relate to each other.
    package enum Kind: Sendable, Equatable {
        /// A number that only grows, until the process ends.
        case counter
        /// A number that goes up and down.
        case gauge
        /// How often values came that are at most each of these bounds, in the metric's unit, which grow.
        case histogram([Double])
    }

    /// The unit of the values. Source: UCUM, as OpenTelemetry uses it.
    package enum Unit: Sendable {
        /// A count of something, or a ratio.
        case none
        case seconds
        case bytes

        /// The end of the metric's name in Prometheus.
        var suffix: String? {
            switch self {
            case .none: nil
            case .seconds: "seconds"
            case .bytes: "bytes"
            }
        }

        /// How many of the numbers that are stored make one of the unit.
        var scale: Double { self == .seconds ? 1e9 : 1 }
    }

    /// The name in OpenTelemetry's form, such as `gen_ai.server.request.duration`.
    package let name: String
    package let kind: Kind
    package let unit: Unit
    /// One sentence.
    package let help: String

    package init(_ name: String, _ kind: Kind, _ unit: Unit = .none, _ help: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.help = help
    }

    /// The name in Prometheus, without the `_total` of a counter. Source: OpenTelemetry, "Prometheus and OpenMetrics
    /// Compatibility".
    package var family: String {
        let base = Self.sanitized(name)
        guard let suffix = unit.suffix, !base.hasSuffix("_" + suffix) else { return base }
        return base + "_" + suffix
    }

    /// The text as a name: other characters than letters, digits and `_` become `_`.
    static func sanitized(_ text: String) -> String {
        var name = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        if name.first?.isNumber ?? true { name = "_" + name }
        return name
    }
}
