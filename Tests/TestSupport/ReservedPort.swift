import Glibc

/// A port of this machine, of both families, that nobody is given as a free one while the object lives.
///
/// Another socket can listen there, if it says so by SO_REUSEADDR, as promptd's do. Source: socket(7).
package final class ReservedPort: Sendable {
    package let number: UInt16
    private let fd: CInt

    package init() throws {
        let fd = socket(AF_INET6, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        self.fd = fd
        var one: CInt = 1
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(fd, address, length) | getsockname(fd, address, &length)
            }
        }
        number = UInt16(bigEndian: address.sin6_port)
        guard code == 0 else { throw RawSocket.Failure.failed("bind", errno: errno) }
    }

    deinit { close(fd) }
}
