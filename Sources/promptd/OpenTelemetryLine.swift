import Glibc
import JSON
import Logging

/// Writes a log line as a record of OpenTelemetry's log data model, which collectors read as it is.
///
/// Source: OpenTelemetry, "Logs Data Model", and its registry of attributes.
enum OpenTelemetryLine {
    /// The attributes that have names of OpenTelemetry's, and whether they are numbers. All others are promptd's.
    private static let names: [String: (name: StaticString, isNumber: Bool)] = [
        "model": ("gen_ai.request.model", false), "operation": ("gen_ai.operation.name", false),
        "input-tokens": ("gen_ai.usage.input_tokens", true), "output-tokens": ("gen_ai.usage.output_tokens", true),
        "status": ("http.response.status_code", true), "client": ("client.address", false),
        "peer": ("network.peer.address", false), "error": ("error.type", false), "cause": ("exception.message", false),
    ]

    /// - Parameter nanoseconds: when it happened, since 1970.
    static func json(
        at nanoseconds: Int64, _ service: String, _ level: Logger.Level, _ message: String, _ pairs: [(String, String)]
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.put(raw: "{\"Timestamp\":\(nanoseconds),\"SeverityText\":\"\(level.rawValue.uppercased())\"")
        writer.put(raw: ",\"SeverityNumber\":\(severity(level)),\"Body\":")
        writer.put(quoted: message)
        for (key, member) in [("trace-id", "TraceId"), ("span-id", "SpanId")] {
            guard let value = pairs.first(where: { $0.0 == key })?.1 else { continue }
            writer.put(raw: ",\"\(member)\":")
            writer.put(quoted: value)
        }
        let pairs = pairs.filter { $0.0 != "trace-id" && $0.0 != "span-id" }
        writer.put(",\"Resource\":{\"service.name\":")
        writer.put(quoted: service)
        writer.put(",\"service.version\":")
        writer.put(quoted: Promptd.version)
        writer.put("},\"Attributes\":{")
        for (index, (key, value)) in pairs.enumerated() {
            if index > 0 { writer.put(",") }
            let known = names[key]
            writer.put(quoted: known.map { "\($0.name)" } ?? "promptd." + key.replacing("-", with: "_"))
            writer.put(":")
            if known?.isNumber ?? isNumber(key), isNumeral(value) {
                writer.put(raw: value)
            } else {
                writer.put(quoted: value)
            }
        }
        writer.put("}}")
        return writer.bytes
    }

    /// Whether promptd's own attribute is a number: milliseconds, or how many.
    private static func isNumber(_ key: String) -> Bool { key.hasSuffix("-ms") || key == "attempts" || key == "lines" }

    /// Whether a text is a number that JSON can have.
    private static func isNumeral(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let areDigits = parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        return parts.count <= 2 && areDigits && (parts[0].utf8.count == 1 || parts[0].first != "0")
    }

    private static func severity(_ level: Logger.Level) -> Int {
        switch level {
        case .trace: 1
        case .debug: 5
        case .info: 9
        case .notice: 10
        case .warning: 13
        case .error: 17
        case .critical: 21
        }
    }

    /// The present time in nanoseconds since 1970.
    static var now: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
