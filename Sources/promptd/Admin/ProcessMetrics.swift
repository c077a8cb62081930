import CoreMetrics
import Glibc
import Synchronization
import Telemetry

/// Metrics of the process itself, under the names that Prometheus's own clients use. Usable on any thread, and best on
/// Dispatch: it reads files. Source: Prometheus, "Writing client libraries", process metrics.
final class ProcessMetrics: Sendable {
    private static let processor = Instrument(
        "process.cpu", .counter, .seconds, "Processor time that the process has used.")
    private static let memory = Instrument(
        "process.resident_memory", .gauge, .bytes, "Memory of the process that is in use.")
    private static let files = Instrument("process.open_fds", .gauge, .none, "Files that the process has open.")
    private static let mostFiles = Instrument("process.max_fds", .gauge, .none, "Files that it may have open.")
    private static let start = Instrument(
        "process.start_time", .gauge, .seconds, "When the process started, in seconds since 1970.")

    static let instruments = [processor, memory, files, mostFiles, start]

    private let processor: Counter
    private let memory, files, mostFiles: Gauge
    /// The processor time that was counted, in nanoseconds.
    private let counted = Mutex<Int64>(0)

    /// - Parameter start: when the process started, in seconds since 1970.
    init(_ factory: any MetricsFactory, start: Double) {
        processor = Counter(label: Self.processor.name, factory: factory)
        memory = Gauge(label: Self.memory.name, factory: factory)
        files = Gauge(label: Self.files.name, factory: factory)
        mostFiles = Gauge(label: Self.mostFiles.name, factory: factory)
        Gauge(label: Self.start.name, factory: factory).record(start)
    }

    /// Sets them to what is true now.
    func collect() {
        var time = timespec()
        if unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 {
            let used = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
            counted.withLock { counted in
                processor.increment(by: max(used - counted, 0))
                counted = max(used, counted)
            }
        }
        if let pages = SmallFile.text("/proc/self/statm")?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        {
            memory.record(pages * sysconf(CInt(_SC_PAGESIZE)))
        }
        if let count = OpenFiles.count { files.record(count) }
        if let limit = OpenFiles.limit { mostFiles.record(limit) }
    }
}
