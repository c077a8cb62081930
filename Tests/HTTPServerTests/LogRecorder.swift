import Logging
import Synchronization

/// Keeps log lines for a test to look at.
struct LogRecorder: LogHandler {
    private final class Lines: Sendable {
        let texts = Mutex<[String]>([])
    }

    private let lines = Lines()
    var logLevel = Logger.Level.debug
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        lines.texts.withLock { $0.append("\(event.message)\(fields)") }
    }

    /// The lines with `text` so far.
    func lines(with text: String) -> [String] { lines.texts.withLock { $0.filter { $0.contains(text) } } }
}
