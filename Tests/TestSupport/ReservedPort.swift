import EventLoop
import Glibc

/// A port of this machine, of both families, that nobody is given as a free one while the object lives.
///
/// Another socket can listen there, if it says so by SO_REUSEADDR, as promptd's do. Source: socket(7).
package final class ReservedPort: Sendable {
    package let number: UInt16
    private let socket: SystemSocket

    package init() throws {
        socket = try SystemSocket(ipv6: true)
        socket.set(SOL_SOCKET, SO_REUSEADDR, CInt(1))
        try socket.bind(SystemSocket.loopback(0, ipv6: true, host: 0))
        number = socket.name?.port ?? 0
    }

    deinit { socket.close() }
}
