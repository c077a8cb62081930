/// Reads durations as people write them: `500ms`, `30s`, `5m`, `1h`.
package enum DurationText {
    private static let units: [(suffix: String, milliseconds: Double)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
    ]

    /// Reads a number, which may have a fraction, with its unit. Rounds up to a millisecond.
    ///
    /// - Returns: `nil` for all else, for negative numbers, and for more than 10^8 seconds.
    package static func parse(_ text: some StringProtocol) -> Duration? {
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        return duration(Double(text.dropLast(unit.suffix.count)), times: unit.milliseconds)
    }

    /// Reads a number of seconds, by the same rules.
    package static func seconds(_ number: Double?) -> Duration? { duration(number, times: 1000) }

    private static func duration(_ number: Double?, times milliseconds: Double) -> Duration? {
        guard let number, number.isFinite, number >= 0, number * milliseconds < 1e11 else { return nil }
        // As a `Double`, 16.1 is slightly more than 16.1: that must not round it up.
        return .milliseconds(Int64((number * milliseconds - 1e-6).rounded(.up)))
    }
}
