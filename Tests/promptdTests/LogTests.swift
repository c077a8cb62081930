import Foundation
import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

@testable import promptd

/// What happens when nobody reads the log.
@Suite(.timeLimit(.minutes(1))) struct `The log` {
    /// A pipe's two ends.
    private static func pipe() throws -> (reader: FileHandle, writer: FileHandle) {
        let pipe = Pipe()
        return (pipe.fileHandleForReading, pipe.fileHandleForWriting)
    }

    private static let report: @Sendable (Int) -> [UInt8] = { Array("lost \($0)\n".utf8) }

    @Test func `lines are written whole and in order`() async throws {
        let (reader, end) = try Self.pipe()
        let writer = LogWriter(end.fileDescriptor, report: Self.report)
        for number in 0..<1000 { writer.write(Array("\(number)\n".utf8)) }
        try await offLoop { writer.flush() }
        try end.close()
        let text = try await offLoop { String(decoding: reader.readDataToEndOfFile(), as: UTF8.self) }
        #expect(text == (0..<1000).map { "\($0)\n" }.joined())
    }

    @Test func `lines can be OpenTelemetry's records`() throws {
        let line = OpenTelemetryLine.json(
            at: 1_764_280_000_123_456_789, "gateway", .warning, "prompt \"failed\"",
            [("model", "a\nb"), ("output-tokens", "12"), ("queue-ms", "0.3"), ("status", "not a number")])
        #expect(
            String(decoding: line, as: UTF8.self)
                == #"{"Timestamp":1764280000123456789,"SeverityText":"WARNING","SeverityNumber":13,"Body":"prompt \"failed\"","#
                + #""Resource":{"service.name":"gateway","service.version":"0.1.0"},"Attributes":{"gen_ai.request.model":"a\nb","#
                + #""gen_ai.usage.output_tokens":12,"promptd.queue_ms":0.3,"http.response.status_code":"not a number"}}"#
        )
        _ = try JSONSerialization.jsonObject(with: Data(line))
    }

    @Test func `a line of text has no control characters`() {
        let line = LineLogHandler.line(
            .text, "promptd", .info, "m", [("a", "x\u{9B}31m"), ("b", "é"), ("c", "\u{1B}[")])
        let text = String(decoding: line.dropLast(), as: UTF8.self)
        #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(text)")
        #expect(text.contains("b=é"))
    }

    @Test func `a server logs in this form if it is told to`() async throws {
        let (server, url) = try await Self.serveWithRecords()
        defer { server.end() }
        _ = try await Promptd.curl(url, "-d", #"{"prompt":"x","model":"fault:missing"}"#)
        let line = try await server.line(with: "prompt failed")
        let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let attributes = try #require(record["Attributes"] as? [String: Any])
        #expect(attributes["http.response.status_code"] as? Int == 404)
        #expect(attributes["gen_ai.request.model"] as? String == "fault:missing")
    }

    private static func serveWithRecords() async throws -> (server: Command, url: String) {
        let server = try Command(
            Promptd.path, ["serve", "--embedded", "--listen", "127.0.0.1:0", "--log-format", "otel"])
        let line = try await server.line(with: "serving prompts")
        let address = try #require(line.firstMatch(of: /"promptd.address":"([^"]+)"/)?.1)
        return (server, "http://\(address)")
    }

    @Test func `what does not fit is lost, counted and reported, and the log goes on`() async throws {
        let (reader, end) = try Self.pipe()
        let writer = LogWriter(end.fileDescriptor, limit: 1000, report: Self.report)
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        // The pipe takes 64 KiB, and the buffer 10 lines.
        for _ in 0..<2000 { writer.write(line) }
        let seen = Mutex("")
        let reading = Task {
            try await offLoop {
                while let data = try reader.read(upToCount: 1 << 16), !data.isEmpty {
                    seen.withLock { $0 += String(decoding: data, as: UTF8.self) }
                }
            }
        }
        try await offLoop {
            writer.flush()
            writer.write(Array("after\n".utf8))
            writer.flush()
        }
        try end.close()
        try await reading.value
        let lines = seen.withLock { $0 }.split(separator: "\n")
        let lost = lines.compactMap { $0.hasPrefix("lost ") ? Int($0.dropFirst(5)) : nil }.reduce(0, +)
        #expect(lost > 0 && lines.count { $0.hasPrefix("x") } + lost == 2000)
        #expect(lines.contains("after"))
    }

    @Test func `a full disk loses lines, and the next line that is written reports them`() async throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let writer = LogWriter(full.fileDescriptor, report: Self.report)
        writer.write(Array("one\n".utf8))
        try await offLoop { writer.flush() }
        let (reader, end) = try Self.pipe()
        // The disk has room again.
        #expect(dup2(end.fileDescriptor, full.fileDescriptor) >= 0)
        writer.write(Array("two\n".utf8))
        try await offLoop { writer.flush() }
        try full.close()
        try end.close()
        let text = try await offLoop { String(decoding: reader.readDataToEndOfFile(), as: UTF8.self) }
        #expect(text == "two\nlost 1\n")
    }

    /// Where a log can go without being written.
    enum Nowhere: CaseIterable, Sendable {
        /// A pipe that nobody reads.
        case fifo
        /// A disk without room.
        case full
        /// No standard error at all.
        case closed
        /// A terminal that was stopped by Ctrl-S.
        case terminal
    }

    @Test(arguments: Nowhere.allCases)
    func `promptd serves and stops when its log goes nowhere`(log: Nowhere) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let fifo = folder.appending(path: "log").path
        #expect(unsafe mkfifo(fifo, 0o600) == 0)
        let reader = unsafe open(fifo, O_RDWR)  // without a reader, opening it would block
        let terminal = try StoppedTerminal()
        defer {
            close(reader)
            terminal.close()
        }
        let target =
            switch log {
            case .fifo: "2>\(fifo)"
            case .full: "2>/dev/full"
            case .closed: "2>&-"
            case .terminal: "2>\(terminal.name)"
            }
        let port = try ReservedPort()
        let server = try Command(
            "/bin/sh", ["-c", "exec \"$0\" serve --embedded --listen 127.0.0.1:\(port.number) \(target)", Promptd.path])
        defer { server.end() }
        let url = "http://127.0.0.1:\(port.number)"
        try await Promptd.untilReadiness("Ready", at: url)
        // Each one is logged: with 15,000, more than the pipe and the buffer take.
        let count = log == .fifo ? 15_000 : 500
        try await offLoop { [number = port.number] in
            for _ in 0..<count {
                let socket = try RawSocket(port: number)
                defer { socket.close() }
                try socket.send("x\r\n\r\n")
                guard try socket.response().status == 400 else { throw POSIXError(.EPROTO) }
            }
        }
        let answer = try await Promptd.curl(url, "-d", #"{"prompt":"eggs"}"#)
        #expect(answer.hasSuffix("You asked: eggs"))
        if log == .fifo {
            // Somebody reads again: the log goes on, and says what is missing.
            let (written, lost) = try await offLoop {
                let handle = FileHandle(fileDescriptor: reader, closeOnDealloc: false)
                var text = ""
                while !text.contains("log lines were lost") || !text.hasSuffix("\n") {
                    text += String(decoding: handle.availableData, as: UTF8.self)
                }
                let lines = text.split(separator: "\n")
                let report = lines.last { $0.contains("log lines were lost") }.map(String.init) ?? ""
                return (lines.count { $0.contains("request rejected") }, Int(Promptd.field("lines", of: report)))
            }
            #expect(written + (lost ?? 0) == count)
        }
        server.signal(SIGTERM)
        let status = try await server.finish().status
        #expect(status == 0)
    }

    @Test func `closed standard streams are no sockets`() async throws {
        let port = try ReservedPort()
        let command = "exec \"$0\" serve --embedded --listen 127.0.0.1:\(port.number) <&- >&- 2>&-"
        let server = try Command("/bin/sh", ["-c", command, Promptd.path])
        defer { server.end() }
        try await Promptd.untilReadiness("Ready", at: "http://127.0.0.1:\(port.number)")
        for descriptor in 0...2 {
            let path = "/proc/\(server.identifier)/fd/\(descriptor)"
            let target = try FileManager.default.destinationOfSymbolicLink(atPath: path)
            #expect(target == "/dev/null")
        }
    }
}

/// A terminal whose output is stopped, as by Ctrl-S: writing to it blocks. Source: pty(7), tcflow(3).
private struct StoppedTerminal {
    let name: String
    private let controller: CInt
    private let terminal: CInt

    init() throws {
        // Swift's Glibc module has no posix_openpt(3). Source: ioctl_tty(2), TIOCSPTLCK and TIOCGPTN.
        controller = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var lock: CInt = 0
        var number: CInt = 0
        guard controller >= 0, unsafe ioctl(controller, 0x4004_5431, &lock) == 0,
            unsafe ioctl(controller, 0x8004_5430, &number) == 0
        else { throw POSIXError(.ENOTTY) }
        name = "/dev/pts/\(number)"
        terminal = unsafe open(name, O_RDWR | O_NOCTTY)
        guard terminal >= 0, tcflow(terminal, TCOOFF) == 0 else { throw POSIXError(.ENOTTY) }
    }

    func close() {
        Glibc.close(terminal)
        Glibc.close(controller)
    }
}
