import Foundation
import Glibc
import TestSupport
import Testing

/// What prompts that wait cost a real server.
@Suite(.timeLimit(.minutes(2))) struct `Memory of the queue` {
    /// Resident bytes of a process. Source: proc(5), statm.
    private static func resident(_ identifier: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(identifier)/statm", encoding: .utf8)
        let pages = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        return pages * sysconf(CInt(_SC_PAGESIZE))
    }

    /// Opens connections that each send a prompt of `bytes` bytes.
    private static func prompts(_ count: Int, bytes: Int, port: UInt16) throws -> [RawSocket] {
        let body = #"{"prompt":"\#(String(repeating: "x", count: bytes))"}"#
        let request = Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
        return try (0..<count).map { _ in
            let socket = try RawSocket(port: port)
            try socket.send(request)
            return socket
        }
    }

    /// What a prompt may cost, its connection included. A debug build's tasks are larger.
    private static var limit: Int {
        #if DEBUG
            12 * 1024
        #else
            8 * 1024
        #endif
    }

    @Test(arguments: [10, 4096])
    func `2,000 prompts that wait cost little each, beyond what their bodies take`(bytes: Int) async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "1h"])
        let (server, url) = try await Promptd.serve(
            ["--max-in-flight", "1", "--max-connections", "4000", "--ready-queue", "100"],
            environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let port = try #require(url.split(separator: ":").last.flatMap { UInt16($0) })
        // The first ones have everything set up that is needed once.
        let first = try await offLoop { try Self.prompts(101, bytes: bytes, port: port) }
        try await Promptd.untilReadiness("100 prompts are waiting", at: url)
        let before = try Self.resident(server.identifier)
        let sockets = try await offLoop { try Self.prompts(2000, bytes: bytes, port: port) }
        try await Promptd.untilReadiness("2100 prompts are waiting", at: url)
        let each = (try Self.resident(server.identifier) - before) / 2000
        // Bodies that come faster than they are decoded leave their memory with the allocator, for the next ones.
        #expect(each > bytes && each <= Self.limit + 3 * bytes, "\(each) bytes each")
        for socket in first + sockets { socket.reset() }
        try await Promptd.untilReadiness("Ready", at: url)
    }
}
