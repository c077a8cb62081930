import EventLoop
import Glibc

/// A TCP socket's descriptor, and the system's calls with values instead of pointers. Closed only by `close`.
struct SystemSocket: Sendable {
    let fd: CInt

    init(_ fd: CInt) { self.fd = fd }

    /// Makes a socket. Source: socket(2).
    init(ipv6: Bool = false) throws(RawSocket.Failure) {
        fd = socket(ipv6 ? AF_INET6 : AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw .failed("socket", errno: errno) }
    }

    func close() { Glibc.close(fd) }

    // MARK: Addresses

    /// An address of the loopback network: 127.0.0.`host`, or ::1. Any address of its family with `host` 0.
    static func loopback(_ port: UInt16, ipv6: Bool = false, host: UInt8 = 1) -> SocketAddress {
        let name = ipv6 ? (host == 0 ? "::" : "::1") : "127.0.0.\(host)"
        return try! SocketAddress.resolve(host: name, port: port, numericOnly: true)[0]  // a number is no lookup
    }

    func bind(_ address: SocketAddress) throws(RawSocket.Failure) {
        let code = unsafe address.withSockaddr { unsafe Glibc.bind(fd, $0, address.length) }
        guard code == 0 else { throw .failed("bind", errno: errno) }
    }

    func connect(_ address: SocketAddress) throws(RawSocket.Failure) {
        let code = unsafe address.withSockaddr { unsafe Glibc.connect(fd, $0, address.length) }
        guard code == 0 else { throw .failed("connect", errno: errno) }
    }

    /// The address that the socket is bound to; `nil` if it is no socket.
    var name: SocketAddress? { unsafe address(getsockname) }

    /// The address that the socket is connected to; `nil` if it is not.
    var peer: SocketAddress? { unsafe address(getpeername) }

    private func address(
        _ call: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = unsafe withUnsafeMutablePointer(to: &storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe call(fd, $0, &length) }
        }
        let isIP = [AF_INET, AF_INET6].contains(CInt(storage.ss_family))
        return code == 0 && isIP ? SocketAddress(storage: storage, length: length) : nil
    }

    // MARK: Options

    /// Source: setsockopt(2).
    func set<Value: BitwiseCopyable>(_ level: CInt, _ option: CInt, _ value: Value) {
        var value = value
        unsafe setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<Value>.size))
    }

    /// Has `close` send a RST. Source: socket(7), SO_LINGER.
    func resetWhenClosed() { set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0)) }

    // MARK: Bytes

    /// Waits for `milliseconds` at most until one of `events` has happened. Returns whether it has. Source: poll(2).
    func wait(_ events: CInt, _ milliseconds: CInt) -> Bool {
        var entry = pollfd(fd: fd, events: Int16(events), revents: 0)
        return unsafe poll(&entry, 1, milliseconds) > 0
    }

    /// Sends bytes of `bytes` from `start` on. Returns how many; -1 with an errno. Source: send(2).
    func send(_ bytes: [UInt8], from start: Int = 0, waits: Bool) -> Int {
        let flags = CInt(MSG_NOSIGNAL) | (waits ? 0 : CInt(MSG_DONTWAIT))
        return unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(fd, $0.baseAddress.map { unsafe $0 + start }, $0.count - start, flags)
        }
    }

    /// Receives `limit` bytes at most, and appends them to `bytes`. Returns how many; 0 at the end, -1 with an errno.
    /// Source: recv(2).
    func receive(_ limit: Int, into bytes: inout [UInt8]) -> Int {
        unsafe withUnsafeTemporaryAllocation(byteCount: limit, alignment: 16) { buffer in
            let count = unsafe recv(fd, buffer.baseAddress, limit, 0)
            if count > 0 { unsafe bytes.append(contentsOf: buffer[..<count]) }
            return count
        }
    }

    /// The bytes that were received and not read yet; `nil` if it is no socket. Source: ioctl(2), FIONREAD.
    var unread: CInt? {
        var count: CInt = 0
        return unsafe ioctl(fd, UInt(FIONREAD), &count) == 0 ? count : nil
    }
}

/// Calls `use` with a copy of `bytes` in memory of just their size, so that a sanitizer sees a read behind them.
package func withCopy<Result>(of bytes: some Collection<UInt8>, _ use: (UnsafeRawBufferPointer) -> Result) -> Result {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { unsafe copy.deallocate() }
    unsafe copy.copyBytes(from: bytes)
    return unsafe use(UnsafeRawBufferPointer(copy))
}
