import FoundationEssentials
import JSON
import Logging

/// Formats log lines, and gives them to a writer.
struct LineLogHandler: LogHandler {
    /// The writer's, as long as none is set here.
    var logLevel: Logger.Level {
        get { ownLevel ?? writer.level }
        set { ownLevel = newValue }
    }
    private var ownLevel: Logger.Level?
    let format: LogFormat
    /// The name of the service in OpenTelemetry's format.
    let service: String
    let writer: LogWriter
    var metadata: Logger.Metadata = [:]

    init(format: LogFormat, service: String, writer: LogWriter) {
        self.format = format
        self.service = service
        self.writer = writer
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        writer.write(Self.line(format, service, event.level, "\(event.message)", all.map { ($0.key, "\($0.value)") }))
    }

    /// A whole line with the present time, and its line end.
    static func line(
        _ format: LogFormat, _ service: String, _ level: Logger.Level, _ message: String, _ pairs: [(String, String)]
    ) -> [UInt8] {
        let time = Date().formatted(.iso8601)
        let line =
            switch format {
            case .text: text(time, level, message, pairs)
            case .json: json(time, level, message, pairs)
            case .otel: OpenTelemetryLine.json(at: OpenTelemetryLine.now, service, level, message, pairs)
            }
        return line + [0x0A]
    }

    private static func text(
        _ time: String, _ level: Logger.Level, _ message: String, _ pairs: [(String, String)]
    ) -> [UInt8] {
        var line = "\(time) \(level) \(message)"
        for (key, value) in pairs {
            // U+0080 to U+009F, of which terminals take some for commands, begin with C2.
            let isPlain =
                !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7F && $0 != 0xC2 }
            line += isPlain ? " \(key)=\(value)" : " \(key)=\(quoted(value))"
        }
        return Array(line.utf8)
    }

    /// Text from a peer must not end a log line or begin another one, nor tell a terminal what to do.
    private static func quoted(_ value: String) -> String {
        var writer = JSONWriter()
        writer.put(quoted: value)
        let quoted = String(decoding: writer.bytes, as: UTF8.self)
        let controls: ClosedRange<Unicode.Scalar> = "\u{7F}"..."\u{9F}"
        guard quoted.unicodeScalars.contains(where: { controls.contains($0) }) else { return quoted }
        return quoted.unicodeScalars.map { scalar in
            controls.contains(scalar) ? "\\u00\(String(scalar.value, radix: 16))" : String(scalar)
        }.joined()
    }

    private static func json(
        _ time: String, _ level: Logger.Level, _ message: String, _ pairs: [(String, String)]
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.put("{\"time\":")
        writer.put(quoted: time)
        for (key, value) in [("level", level.rawValue), ("message", message)] + pairs {
            writer.put(",")
            writer.put(quoted: key)
            writer.put(":")
            writer.put(quoted: value)
        }
        writer.put("}")
        return writer.bytes
    }
}
