import Dispatch
import EventLoop
import HTTPServer

/// Gives memory back to the system after a rush: glibc keeps what was freed, and would keep the most that was ever
/// needed.
///
/// Belongs to the loop's thread.
final class HeapTrimmer {
    private static let interval = Duration.seconds(2)
    /// Connections from which on a rush is one.
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
