import Dispatch
import EventLoop
import Foundation
import Glibc
import Synchronization

/// A blocking server for bare bytes: what no HTTP server would send, and when it would not.
///
/// Its calls, and those of its peers, block: make them within `offLoop`.
package final class RawServer: Sendable {
    /// What to do with one connection; each runs on a thread of its own. A peer is closed when the server is.
    package typealias Script = @Sendable (RawPeer) throws -> Void

    package let port: UInt16
    private let socket: SystemSocket
    private let count = Atomic(0)

    /// Listens on 127.0.0.1. Nothing is accepted before `accept`: of connections the kernel takes `backlog + 1`.
    package init(backlog: CInt = 128) throws {
        socket = try SystemSocket()
        try socket.bind(SystemSocket.loopback(0))
        guard listen(socket.fd, backlog) == 0 else { throw RawSocket.Failure.failed("listen", errno: errno) }
        port = socket.name?.port ?? 0
    }

    deinit { socket.close() }

    /// Connections accepted so far.
    package var accepted: Int { count.load(ordering: .sequentiallyConsistent) }

    /// Waits for a connection.
    package func accept() throws -> RawPeer {
        guard socket.wait(POLLIN, CInt(patience * 1000)) else { throw TimedOut("a connection") }
        let peer = Glibc.accept(socket.fd, nil, nil)
        guard peer >= 0 else { throw RawSocket.Failure.failed("accept", errno: errno) }
        count.add(1, ordering: .sequentiallyConsistent)
        return RawPeer(SystemSocket(peer))
    }

    /// Accepts a connection for each script and runs it, all at the same time.
    ///
    /// - Returns: the peers, which the scripts may have closed, once all scripts have ended.
    /// - Throws: what a script threw.
    @discardableResult
    package func play(_ scripts: [Script]) async throws -> [RawPeer] {
        try await withThrowingTaskGroup(of: RawPeer.self) { group in
            for script in scripts {
                let peer = try await offLoop { try self.accept() }
                group.addTask {
                    try await offLoop {
                        try script(peer)
                        return peer
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Sockets of this process that are connected to the server.
    package var clients: Int { openSockets.count { $0.peer?.port == port } }

    /// Waits until a socket is connecting to the server.
    package func untilConnecting() async throws {
        try await untilSeen(
            "a socket is connecting", { try await offLoop { try self.connecting() } }, isRight: { $0 > 0 })
    }

    /// Sockets of this machine that are connecting to the server. It may miss one while others come and go. Source:
    /// proc(5), /proc/net/tcp.
    package func connecting() throws -> Int {
        let wanted = ":" + String(UInt32(port) | 0x10000, radix: 16, uppercase: true).dropFirst()
        // Not by Foundation, which takes a read that brings less than it asked for as the last one.
        guard let file = unsafe fopen("/proc/net/tcp", "r") else {
            throw RawSocket.Failure.failed("fopen", errno: errno)
        }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 512), count = 0
        while unsafe fgets(&line, CInt(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let fields = text.split(separator: " ")
            if fields.count > 3, fields[2].hasSuffix(wanted), fields[3] == "02" { count += 1 }  // SYN_SENT
        }
        return count
    }
}

/// One connection that a `RawServer` accepted. Its calls block, for 10 seconds at most.
///
/// `@unchecked Sendable`: a script has it first; whoever gets it from `accept` or `play` waits for that script's end.
package final class RawPeer: @unchecked Sendable {
    private var socket: SystemSocket
    private var pending: [UInt8] = []

    fileprivate init(_ socket: SystemSocket) {
        self.socket = socket
        socket.set(CInt(IPPROTO_TCP), TCP_NODELAY, CInt(1))
    }

    deinit { close() }

    // MARK: Receiving

    /// Receives once. `nil`: more may follow.
    private func fill() throws -> RawSocket.Ending? {
        guard socket.wait(POLLIN, CInt(patience * 1000)) else { throw TimedOut("bytes, after \(pending.count)") }
        let count = socket.receive(256 * 1024, into: &pending)
        if count >= 0 { return count == 0 ? .closed : nil }
        guard errno == ECONNRESET || errno == EPIPE else { throw RawSocket.Failure.failed("recv", errno: errno) }
        return .reset
    }

    private func receive(count: Int) throws -> [UInt8] {
        while pending.count < count {
            if try fill() != nil { throw RawSocket.Failure.malformed("ended after \(pending.count) of \(count) bytes") }
        }
        defer { pending.removeFirst(count) }
        return Array(pending[..<count])
    }

    /// Waits until something was received, and leaves it.
    package func waitForBytes() throws { while pending.isEmpty, try fill() == nil {} }

    /// Receives the head of a request.
    package func receiveHead() throws -> String {
        while true {
            if let end = pending.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound {
                return String(decoding: try receive(count: end), as: UTF8.self)
            }
            if try fill() != nil { throw RawSocket.Failure.malformed("ended in the head of a request") }
        }
    }

    /// Receives a whole request.
    @discardableResult
    package func receiveRequest() throws -> (head: String, body: [UInt8]) {
        let head = try receiveHead()
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }?.dropFirst(16)
        return (head, try receive(count: length.flatMap { Int($0) } ?? 0))
    }

    /// Receives until the client closes or resets, and tells which.
    @discardableResult
    package func receiveEnd() throws -> RawSocket.Ending {
        while true {
            if let ending = try fill() { return ending }
            pending = []
        }
    }

    // MARK: Sending

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends all of `bytes`.
    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            guard socket.wait(POLLOUT, CInt(patience * 1000)) else {
                throw TimedOut("room to send, after \(sent) of \(bytes.count) bytes")
            }
            let count = socket.send(bytes, from: sent, waits: false)
            guard count > 0 || errno == EAGAIN else { throw RawSocket.Failure.failed("send", errno: errno) }
            sent += max(count, 0)
        }
    }

    /// Sends `bytes` in pieces that end at `offsets`.
    package func send(_ bytes: [UInt8], splitAt offsets: some Sequence<Int>) throws {
        var start = 0
        for end in offsets {
            try send(Array(bytes[start..<end]))
            start = end
        }
        try send(Array(bytes[start...]))
    }

    /// Sends one byte at a time.
    package func sendByteByByte(_ bytes: [UInt8]) throws { try send(bytes, splitAt: 1..<bytes.count) }

    /// Waits until the client, which is a socket of this process, has read all that was sent to it. Looks again and
    /// again: a part of a head that was read is no event for anybody.
    package func waitUntilRead() throws {
        let clientPort = socket.peer?.port
        guard let client = openSockets.first(where: { $0.name?.port == clientPort }) else { return }
        let end = ContinuousClock.now + .seconds(patience)
        while let unread = client.unread, unread > 0 {
            guard ContinuousClock.now < end else { throw TimedOut("a reader") }
            sched_yield()
        }
    }

    /// Sends `bytes` again and again until nobody has taken any for a fifth of a second.
    ///
    /// - Returns: how many went, `limit` or a little more at most.
    package func sendUntilBlocked(_ bytes: [UInt8], limit: Int) throws -> Int {
        var sent = 0
        while sent < limit, socket.wait(POLLOUT, 200) {
            let count = socket.send(bytes, waits: false)
            guard count > 0 || errno == EAGAIN else { throw RawSocket.Failure.failed("send", errno: errno) }
            sent += max(count, 0)
        }
        return sent
    }

    // MARK: The end

    /// Ends the sending side: a FIN.
    package func shutdownWrite() { shutdown(socket.fd, CInt(SHUT_WR)) }

    /// Ends both sides: a FIN, or a RST if something is left that was not received.
    package func close() {
        guard socket.fd >= 0 else { return }
        socket.close()
        socket = SystemSocket(-1)
    }

    /// Ends both sides by a RST.
    package func reset() {
        socket.resetWhenClosed()
        close()
    }
}

/// What is open in this process, sockets among it. Source: proc(5), /proc/self/fd.
private var openSockets: [SystemSocket] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.compactMap { CInt($0) }.map { SystemSocket($0) }
}

/// Opens once, for threads that block until it does.
package final class Flag: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    package init() {}

    package func raise() { semaphore.signal() }

    /// Waits until it is raised. Blocks the thread.
    package func wait() throws {
        guard semaphore.wait(timeout: .now() + .seconds(patience)) == .success else { throw TimedOut("a flag") }
        semaphore.signal()
    }
}
