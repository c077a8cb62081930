import ArgumentParser
import PromptFunction

/// A value of a flag whose form can be told in words.
protocol DescribedArgument: ExpressibleByArgument {
    /// What to give, such as "a number of bytes".
    static var expected: String { get }
}

extension DescribedArgument {
    /// Reads the value of a flag.
    ///
    /// - Throws: what to give instead.
    init(flag text: String) throws {
        guard let value = Self(argument: text) else { throw ValidationError("give \(Self.expected).") }
        self = value
    }
}

/// A duration in command-line syntax: `500ms`, `5s`, `2m`, `1h`, or `0` for none.
struct DurationArgument: DescribedArgument, Sendable {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        if argument == "0" {
            duration = .zero
            return
        }
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    static let expected = "a duration such as 500ms, 30s, 5m or 1h, or 0 for none"

    var defaultValueDescription: String {
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        return switch milliseconds {
        case 0: "0"
        case _ where milliseconds % 60_000 == 0: "\(milliseconds / 60_000)m"
        case _ where milliseconds % 1000 == 0: "\(milliseconds / 1000)s"
        default: "\(milliseconds)ms"
        }
    }
}

/// A number of bytes in command-line syntax, up to 1 TiB: `1048576`, `64KiB`, `32MiB`, `1GiB`.
struct ByteCount: DescribedArgument, Sendable {
    let bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)]
        let unit = units.first { argument.hasSuffix($0.0) }
        let shift = unit?.1 ?? 0
        guard let number = Int(argument.dropLast(unit?.0.count ?? 0)), number > 0, number <= 1 << (40 - shift) else {
            return nil
        }
        bytes = number << shift
    }

    static let expected = "a number of bytes such as 65536, 64KiB or 32MiB"

    var defaultValueDescription: String {
        bytes % (1 << 20) == 0 ? "\(bytes >> 20)MiB" : bytes % 1024 == 0 ? "\(bytes >> 10)KiB" : "\(bytes)"
    }
}

/// The format of log lines.
enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case text, json
    /// JSON with OpenTelemetry's names.
    case otel
    static let expected = "text, json or otel"
}
