/// A client's socket that connects later, for which it then needs no further descriptor.
package final class LateSocket: Sendable {
    private let socket: SystemSocket

    package init() throws { socket = try SystemSocket() }

    deinit { socket.close() }

    /// Connects to 127.0.0.1. Blocks.
    package func connect(to port: UInt16) throws { try socket.connect(SystemSocket.loopback(port)) }
}
