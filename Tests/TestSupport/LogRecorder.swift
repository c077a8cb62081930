public import Logging
import Synchronization

/// Keeps log lines for a test to look at.
public struct LogRecorder: LogHandler {
    private final class Lines: Sendable {
        let texts = Mutex<[String]>([])
    }

    private let lines = Lines()
    public var logLevel = Logger.Level.debug
    public var metadata: Logger.Metadata = [:]

    public init() {}

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        lines.texts.withLock { $0.append("\(event.message)\(fields)") }
    }

    /// The lines with `text` so far.
    public func lines(with text: String) -> [String] { lines.texts.withLock { $0.filter { $0.contains(text) } } }
}
