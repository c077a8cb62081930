import EventLoop
import FunctionHost
import Glibc
import HTTPServer
import Logging
import TestSupport
import Testing

/// A function that writes down what happens to it.
private final class Diary: Function {
    var entries: [String] = []

    func start() async { entries.append("start") }
    func serverIsDraining() { entries.append("draining") }
    func stop() async { entries.append("stop") }

    func handle(_ request: Request, _ reply: consuming Reply) async {
        entries.append("handle")
        reply.send(.text("written"))
    }
}

/// The life of a function.
@Suite(.timeLimit(.minutes(1))) struct `The function's server` {
    @Test func `starts the function before it listens, and stops it after the last reply`() async throws {
        try await onLoop { loop in
            let diary = Diary()
            let server = FunctionServer(diary, on: loop, log: Logger(label: "test"))
            let address = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
            var port: UInt16 = 0
            let listening = Latch(on: loop)
            let run = loop.startTask {
                let cut = try? await server.run(on: [address]) {
                    diary.entries.append("listening")
                    port = $0.port
                    listening.open()
                }
                return cut
            }
            await listening.wait()
            let target = port
            let text = try await offLoop {
                let socket = try RawSocket(port: target)
                try socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
                return try socket.response().text
            }
            #expect(text == "written")
            server.stop(.init(limit: .seconds(5)))
            server.stop(.init(limit: .zero))  // too late: the first one counts
            let cut = await run.value
            #expect(cut == 0)
            #expect(diary.entries == ["start", "listening", "handle", "draining", "stop"])
        }
    }

    @Test func `does not listen when the function cannot start`() async throws {
        struct NoStart: Error {}
        final class Broken: Function {
            func start() async throws { throw NoStart() }
            func handle(_ request: Request, _ reply: consuming Reply) async {}
        }
        try await onLoop { loop in
            let server = FunctionServer(Broken(), on: loop, log: Logger(label: "test"))
            let address = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
            await #expect(throws: NoStart.self) {
                _ = try await server.run(on: [address]) { _ in Issue.record("it listens") }
            }
        }
    }
}
