package import Logging
import Synchronization

/// Keeps log lines for a test to look at.
package struct LogRecorder: LogHandler {
    private final class Lines: Sendable {
        let texts = Mutex<[String]>([])
    }

    private let lines = Lines()
    package var logLevel = Logger.Level.debug
    package var metadata: Logger.Metadata = [:]

    package init() {}

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        lines.texts.withLock { $0.append("\(event.message)\(fields)") }
    }

    /// The lines with `text` so far.
    package func lines(with text: String) -> [String] { lines.texts.withLock { $0.filter { $0.contains(text) } } }
}
