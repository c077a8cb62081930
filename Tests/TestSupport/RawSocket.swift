import Glibc

/// A blocking client for bare bytes: what no HTTP client would send, and when it would not.
///
/// Its calls block: make them within `offLoop`. `@unchecked Sendable`: one thread uses it at a time.
package final class RawSocket: @unchecked Sendable {
    package private(set) var fd: CInt
    /// Received, and not asked for yet.
    var pending: [UInt8] = []

    package enum Failure: Error, Equatable {
        /// `call` failed with `errno`.
        case failed(_ call: String, errno: CInt)
        /// Nothing came, or nothing could be sent, for the time-out.
        case timedOut(_ received: String)
        case malformed(String)
    }

    /// How a connection ended.
    package enum Ending: Sendable, Equatable { case closed, reset }

    /// Connects. `receiveBuffer` is SO_RCVBUF, for a reader that is slow on purpose; `host` is the last byte of
    /// 127.0.0.x, the address that it comes from.
    package init(
        port: UInt16, ipv6: Bool = false, receiveBuffer: CInt? = nil, sendBuffer: CInt? = nil,
        timeout seconds: Int = 10,
        from host: UInt8? = nil
    ) throws {
        fd = socket(ipv6 ? AF_INET6 : AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw Failure.failed("socket", errno: errno) }
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        option(CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        if let receiveBuffer { option(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        if let sendBuffer { option(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
        if let host { bind(host) }
        let code = ipv6 ? connect6(port) : connect4(port)
        guard code == 0 else {
            let error = errno
            close()
            throw Failure.failed("connect", errno: error)
        }
    }

    deinit { close() }

    private func option(_ level: CInt, _ name: CInt, _ value: CInt) {
        var value = value
        setsockopt(fd, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    private func bind(_ host: UInt8) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = (UInt32(0x7F00_0000) + UInt32(host)).bigEndian
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private func connect4(_ port: UInt16) -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return connect(&address)
    }

    private func connect6(_ port: UInt16) -> CInt {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = in6addr_loopback
        return connect(&address)
    }

    private func connect<Address>(_ address: inout Address) -> CInt {
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(fd, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    // MARK: Sending

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends all of `bytes`.
    package func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Glibc.send(fd, bytes.baseAddress! + sent, bytes.count - sent, CInt(MSG_NOSIGNAL))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw Failure.failed("send", errno: errno) }
                sent += count
            }
        }
    }

    /// Sends what the socket takes at once. Returns the bytes sent; `nil` when the connection is broken.
    package func sendWithoutWaiting(_ bytes: [UInt8]) -> Int? {
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        let count = bytes.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, flags) }
        if count < 0 { return errno == EAGAIN ? 0 : nil }
        return count
    }

    /// Ends the sending side: a FIN.
    package func shutdownWrite() { shutdown(fd, CInt(SHUT_WR)) }

    /// Ends the connection by a RST.
    package func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }

    package func close() {
        guard fd >= 0 else { return }
        Glibc.close(fd)
        fd = -1
    }

    // MARK: Receiving

    /// Waits for `milliseconds` at most until something is to be received. Returns whether there is.
    package func isReadable(within milliseconds: CInt) -> Bool {
        var peer = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        return !pending.isEmpty || poll(&peer, 1, milliseconds) > 0
    }

    /// Waits for `milliseconds` at most until something can be sent. Returns whether it can.
    package func isWritable(within milliseconds: CInt) -> Bool {
        var peer = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
        return poll(&peer, 1, milliseconds) > 0
    }

    /// Receives once into `pending`. `nil`: more may follow.
    func fill(atMost limit: Int = 256 * 1024) throws -> Ending? {
        let old = pending.count
        return try withUnsafeTemporaryAllocation(byteCount: limit, alignment: 16) { buffer in
            while true {
                let count = recv(fd, buffer.baseAddress, limit, 0)
                if count < 0 && errno == EINTR { continue }
                if count == 0 { return .closed }
                if count > 0 {
                    pending.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    return nil
                }
                if errno == ECONNRESET || errno == EPIPE { return .reset }
                if errno == EAGAIN {
                    throw Failure.timedOut(String(decoding: pending.prefix(max(old, 500)), as: UTF8.self))
                }
                throw Failure.failed("recv", errno: errno)
            }
        }
    }

    /// Receives until `text` was received, and returns everything up to its end.
    package func receive(until text: String) throws -> String {
        let pattern = Array(text.utf8)
        while true {
            if let end = pending.firstRange(of: pattern)?.upperBound {
                let taken = pending[..<end]
                pending.removeFirst(end)
                return String(decoding: taken, as: UTF8.self)
            }
            if try fill() != nil {
                throw Failure.malformed("ended before \(text): \(String(decoding: pending, as: UTF8.self))")
            }
        }
    }

    /// Receives exactly `count` bytes.
    package func receive(count: Int, piece: Int = 256 * 1024) throws -> [UInt8] {
        while pending.count < count {
            if try fill(atMost: piece) != nil {
                throw Failure.malformed("ended after \(pending.count) of \(count) bytes")
            }
        }
        let taken = Array(pending[..<count])
        pending.removeFirst(count)
        return taken
    }

    /// Receives until the peer closes or resets.
    package func receiveUntilEnd() throws -> (bytes: [UInt8], ending: Ending) {
        while true {
            if let ending = try fill() {
                defer { pending = [] }
                return (pending, ending)
            }
        }
    }

    /// The rest, as text, and how it ended.
    package func rest() throws -> (text: String, ending: Ending) {
        let (bytes, ending) = try receiveUntilEnd()
        return (String(decoding: bytes, as: UTF8.self), ending)
    }
}

extension [UInt8] {
    func firstRange(of pattern: [UInt8]) -> Range<Int>? {
        withUnsafeBytes { bytes -> Range<Int>? in
            var start = 0
            while start + pattern.count <= bytes.count {
                guard let found = memchr(bytes.baseAddress! + start, CInt(pattern[0]), bytes.count - start) else {
                    return nil
                }
                start = UnsafeRawPointer(found) - bytes.baseAddress!
                let end = start + pattern.count
                if end <= bytes.count, memcmp(found, pattern, pattern.count) == 0 { return start..<end }
                start += 1
            }
            return nil
        }
    }

    /// Whether the bytes are the same: quick in debug builds too.
    package func hasSameBytes(as other: [UInt8]) -> Bool { count == other.count && memcmp(self, other, count) == 0 }
}
