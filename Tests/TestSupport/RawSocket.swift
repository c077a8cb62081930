import Glibc

/// A blocking client for bare bytes: what no HTTP client would send, and when it would not.
///
/// Its calls block: make them within `offLoop`.
///
/// `@unchecked Sendable`: a test makes its calls one after the other, and awaits each that is `offLoop`.
package final class RawSocket: @unchecked Sendable {
    private var socket: SystemSocket
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
        timeout seconds: Int = patience,
        from host: UInt8? = nil
    ) throws {
        let socket = try SystemSocket(ipv6: ipv6)
        self.socket = socket
        let time = timeval(tv_sec: seconds, tv_usec: 0)
        socket.set(SOL_SOCKET, SO_RCVTIMEO, time)
        socket.set(SOL_SOCKET, SO_SNDTIMEO, time)
        socket.set(CInt(IPPROTO_TCP), TCP_NODELAY, CInt(1))
        if let receiveBuffer { socket.set(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        if let sendBuffer { socket.set(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
        if let host { try socket.bind(SystemSocket.loopback(0, host: host)) }
        try socket.connect(SystemSocket.loopback(port, ipv6: ipv6))
    }

    deinit { close() }

    // MARK: Sending

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends all of `bytes`.
    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = socket.send(bytes, from: sent, waits: true)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Failure.failed("send", errno: errno) }
            sent += count
        }
    }

    /// Sends what the socket takes at once. Returns the bytes sent; `nil` when the connection is broken.
    package func sendWithoutWaiting(_ bytes: [UInt8]) -> Int? {
        let count = socket.send(bytes, waits: false)
        if count < 0 { return errno == EAGAIN ? 0 : nil }
        return count
    }

    /// Receives what is there, and forgets it. Returns the bytes received; `nil` when the connection has ended.
    package func discard() -> Int? {
        var total = 0
        while socket.wait(POLLIN, 0) {
            let count = socket.receive(64 * 1024, into: &pending)
            pending.removeAll(keepingCapacity: true)
            if count <= 0 { return nil }
            total += count
        }
        return total
    }

    /// Ends the sending side: a FIN.
    package func shutdownWrite() { shutdown(socket.fd, CInt(SHUT_WR)) }

    /// Ends the connection by a RST.
    package func reset() {
        socket.resetWhenClosed()
        close()
    }

    package func close() {
        guard socket.fd >= 0 else { return }
        socket.close()
        socket = SystemSocket(-1)
    }

    // MARK: Receiving

    /// Waits for `milliseconds` at most until something is to be received. Returns whether there is.
    package func isReadable(within milliseconds: CInt) -> Bool {
        !pending.isEmpty || socket.wait(POLLIN, milliseconds)
    }

    /// Waits for `milliseconds` at most until something can be sent. Returns whether it can.
    package func isWritable(within milliseconds: CInt) -> Bool { socket.wait(POLLOUT, milliseconds) }

    /// Receives once into `pending`. `nil`: more may follow.
    func fill(atMost limit: Int = 256 * 1024) throws -> Ending? {
        let old = pending.count
        while true {
            let count = socket.receive(limit, into: &pending)
            if count > 0 { return nil }
            if count == 0 { return .closed }
            switch errno {
            case EINTR: continue
            case ECONNRESET, EPIPE: return .reset
            case EAGAIN: throw Failure.timedOut(String(decoding: pending.prefix(max(old, 500)), as: UTF8.self))
            case let error: throw Failure.failed("recv", errno: error)
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
        unsafe withUnsafeBytes { bytes -> Range<Int>? in
            var start = 0
            while start + pattern.count <= bytes.count {
                guard
                    let found = unsafe memchr(bytes.baseAddress! + start, CInt(pattern[0]), bytes.count - start)
                else { return nil }
                start = unsafe UnsafeRawPointer(found) - bytes.baseAddress!
                let end = start + pattern.count
                if unsafe end <= bytes.count && memcmp(found, pattern, pattern.count) == 0 { return start..<end }
                start += 1
            }
            return nil
        }
    }

    /// Whether the bytes are the same: quick in debug builds too.
    package func hasSameBytes(as other: [UInt8]) -> Bool {
        unsafe count == other.count && memcmp(self, other, count) == 0
    }
}
