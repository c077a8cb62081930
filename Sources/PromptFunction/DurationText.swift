/// Reads durations as people write them: `500ms`, `30s`, `5m`, `1h`.
package enum DurationText {
    private static let units: [(suffix: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]

    /// A number, which may have a fraction, and its unit. Rounded up to a millisecond.
    ///
    /// - Returns: `nil` for all else, for negative numbers, and for more than 10^8 seconds.
    package static func parse(_ text: some StringProtocol) -> Duration? {
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        return seconds(Double(text.dropLast(unit.suffix.count)), times: unit.seconds)
    }

    /// A number of seconds, by the same rules.
    package static func seconds(_ number: Double?, times factor: Double = 1) -> Duration? {
        guard let number, number.isFinite, number >= 0, number * factor < 1e8 else { return nil }
        return .milliseconds(Int64((number * factor * 1000).rounded(.up)))
    }
}
