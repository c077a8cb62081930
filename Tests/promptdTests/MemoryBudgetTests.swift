import Foundation
import HTTPServer
import TestSupport
import Testing

@testable import promptd

/// The most memory that the process can need.
struct `The memory budget` {
    private static func budget(within memory: Int? = nil, _ change: (inout Limits) -> Void = { _ in }) -> MemoryBudget {
        var limits = Limits()
        change(&limits)
        return MemoryBudget(for: limits, within: memory, maxInFlight: 256, hosts: 1, cores: 2)
    }

    @Test func `grows with each limit`() {
        let bytes = Self.budget().bytes
        #expect(bytes > 900 << 20 && bytes < 1300 << 20)
        #expect(Self.budget { $0.bufferedBytes += 1 << 20 }.bytes == bytes + 1 << 20)
        #expect(Self.budget { $0.connections += 1024 }.bytes == bytes + 20 << 20)
        #expect(Self.budget { $0.bodyBytes += 1 << 20 }.bytes == bytes + 4 << 20)
    }

    @Test(arguments: [100, 128, 256, 512, 1000]) func `lowers the limits until they fit`(mebibytes: Int) {
        let budget = Self.budget(within: mebibytes << 20)
        #expect(budget.bytes <= mebibytes << 20 && budget.bytes > (mebibytes << 20) * 3 / 4)
        #expect(budget.limits.bodyBytes <= budget.limits.bufferedBytes)
        #expect(budget.limits.connections >= 64 && budget.limits.connections < 16_384)
    }

    @Test func `changes nothing if there is enough`() {
        let budget = Self.budget(within: 4 << 30)
        #expect(budget.limits.connections == 16_384 && budget.limits.bufferedBytes == 512 << 20)
        #expect(budget.limits.bodyBytes == 32 << 20)
    }

    @Test func `keeps some connections and bytes even in too little memory`() {
        let limits = Self.budget(within: 1 << 20).limits
        #expect(limits.connections == 64 && limits.bufferedBytes == 1 << 20 && limits.bodyBytes == 1 << 20)
    }
}

/// The limits of control groups, as files of a made-up system say them.
struct `The memory limit` {
    private static func limit(_ files: [String: String]) throws -> Int? {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: root) }
        for (path, text) in files {
            let file = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return MemoryLimit.current(root: root.path)
    }

    @Test(arguments: [
        (["proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "67108864\n"], 67_108_864),
        (["proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"], nil),
        (
            [
                "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
                "sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/memory.max": "2000\n",
            ], 1000
        ),
        (
            [
                "proc/self/cgroup": "5:cpu,memory:/docker/x\n0::/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "5000\n",
            ], 5000
        ),
        (
            [
                "proc/self/cgroup": "5:memory:/x\n",
                "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n",
            ], nil
        ),
        (["proc/self/cgroup": "nonsense\n::\n"], nil), ([:], nil),
    ])
    func `is the smallest of the process's groups`(files: [String: String], limit: Int?) throws {
        #expect(try Self.limit(files) == limit)
    }
}

/// A real server under clients who make it hold as much as they can.
@Suite(.timeLimit(.minutes(2))) struct `Memory of the server` {
    private static let mebibyte = 1 << 20

    /// The most resident bytes that a process has had. Source: proc(5), VmHWM.
    private static func peak(_ identifier: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) })
            * 1024
    }

    /// Sends `bytes` on each of `count` connections, from different addresses, and waits until each has a reply if
    /// there is one. A connection that the server ends is no failure.
    private static func send(_ bytes: [UInt8], count: Int, port: UInt16, awaitsReply: Bool = false) async throws {
        try await offLoop {
            let sockets = try (0..<count).map { try RawSocket(port: port, from: UInt8(2 + $0 % 100)) }
            for socket in sockets { try? socket.send(bytes) }
            for socket in sockets where awaitsReply { #expect(socket.isReadable(within: 30_000)) }
            for socket in sockets { socket.reset() }
        }
    }

    private static func post(_ length: Int, sending count: Int, fields: String = "") -> [UInt8] {
        let head = "POST / HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(length)\r\n\r\n"
        let body = #"{"prompt":""# + String(repeating: "x", count: length - 13) + #""}"#
        return Array(head.utf8) + Array(body.utf8.prefix(count))
    }

    @Test func `stays below the bound that the start line tells`() async throws {
        let (standIn, address) = try await Promptd.standIn()
        let server = try Command(
            Promptd.path,
            [
                "serve", "--listen", "127.0.0.1:0", "--max-buffered-bytes", "64MiB", "--max-body-bytes", "8MiB",
                "--max-connections", "300", "--max-in-flight", "50",
            ], environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let line = try await server.line(with: "serving prompts")
        let url = "http://" + Promptd.field("address", of: line)
        let port = try #require(url.split(separator: ":").last.flatMap { UInt16($0) })
        let bound = try #require(Int(Promptd.field("memory", of: line).dropLast(3))) * Self.mebibyte
        #expect(bound < 320 * Self.mebibyte)

        // Unfinished uploads, long and short ones; unfinished heads; pipelines; answers that nobody reads.
        try await Self.send(Self.post(8 << 20, sending: (8 << 20) - 1), count: 30, port: port)
        try await Self.send(Self.post(300_000, sending: 299_999), count: 290, port: port)
        let head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 60_000)
        try await Self.send(Array(head.utf8), count: 290, port: port)
        let pipeline =
            Self.post(40, sending: 40) + Array(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 2000).utf8)
        try await Self.send(pipeline, count: 290, port: port, awaitsReply: true)
        try await Self.send(Self.post(3 << 20, sending: 3 << 20), count: 40, port: port, awaitsReply: true)
        try await Self.send(Self.post(200_000, sending: 200_000), count: 290, port: port, awaitsReply: true)
        let answer = try await Promptd.curl(url)
        #expect(answer == "OK")
        let peak = try Self.peak(server.identifier)
        #expect(peak > 70 * Self.mebibyte, "the budget was used: \(peak)")
        #expect(peak < bound, "\(peak) of \(bound)")
    }
}
