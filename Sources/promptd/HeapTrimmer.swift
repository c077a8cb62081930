import Dispatch
import EventLoop
import HTTPServer

/// Returns memory to the system after a rush of connections. glibc keeps freed memory, so the process would otherwise
/// stay at its peak size.
///
/// Belongs to the loop's thread.
final class HeapTrimmer {
    private static let interval = Duration.seconds(2)
    /// The number of connections that counts as a rush.
    private static let rush = 64

    private let loop: EventLoop
    private let server: Server
    private var timer: LoopTimer?
    private var peak = 0

    init(_ server: Server, on loop: EventLoop) {
        self.loop = loop
        self.server = server
        timer = LoopTimer(on: loop) { [unowned self] in look() }
        timer?.deadline = loop.now + Self.interval
    }

    private func look() {
        let connections = server.connections
        peak = max(peak, server.takePeakOfConnections())
        if peak >= Self.rush && connections <= peak / 4 {
            peak = connections
            DispatchQueue.global(qos: .utility).async { ProcessMemory.trim() }
        }
        timer?.deadline = loop.now + Self.interval
    }
}
