import FunctionHost
import EventLoop
import HTTPServer
import TestSupport
import Testing

/// How a server finishes.
@Suite(.timeLimit(.minutes(1))) struct `Draining` {
    @Test func `closes idle connections and listens no more`() async throws {
        try await withServer { loop, host in
            let port = host.port
            let (fresh, used) = try await offLoop {
                let (fresh, used) = (try RawSocket(port: port), try RawSocket(port: port))
                try used.send(get())
                _ = try used.response()
                return (fresh, used)
            }
            let count = await host.server.drain(within: .seconds(5))
            #expect(count == 0)
            #expect(host.server.connections == 0)
            #expect(host.function.knowsOfDraining)
            let ends = try await offLoop { [try fresh.rest(), try used.rest()] }
            #expect(ends.allSatisfy { $0.text.isEmpty && $0.ending == .closed })
            // The port is free again, and another test's server may have it: this one takes no connection.
            let late = try? await offLoop { try RawSocket(port: port) }
            for _ in 0..<3 { await loop.turn() }
            #expect(host.server.connections == 0)
            late?.close()
        }
    }

    @Test func `lets requests in flight finish, and closes their connections`() async throws {
        try await withServer { loop, host in
            let (arrived, answer) = host.holdReplies(of: "late")
            let port = host.port
            async let response = offLoop { try askToTheEnd(post("{}"), port) }
            await arrived.wait()
            let count = host.beginDraining(on: loop)
            for _ in 0..<3 { await loop.turn() }
            answer.open()
            let (late, rest) = try await response
            #expect(late.text == "late")
            #expect(late["Connection"] == "close")
            #expect(rest.isEmpty)
            #expect(await count.value == 0)
        }
    }

    @Test func `counts a reply that its client has not taken whole`() async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in reply.send(.text(String(repeating: "x", count: 32 << 20))) }
            let socket = try await host.open(post("{}"))
            try await until("a part of the reply waits", on: loop) { host.server.bufferedBytes > 1 << 20 }
            #expect(await host.server.drain(within: .milliseconds(1)) == 1)
            socket.close()
        }
    }

    @Test func `serves what was half here, and closes`() async throws {
        try await withServer { loop, host in
            let port = host.port
            let socket = try await offLoop {
                let socket = try RawSocket(port: port)
                try socket.send(get() + "GET / HT")
                _ = try socket.response()
                return socket
            }
            let count = host.beginDraining(on: loop)
            for _ in 0..<3 { await loop.turn() }
            let (response, rest) = try await offLoop {
                try socket.send("TP/1.1\r\nHost: a\r\n\r\n")
                return (try socket.response(), try socket.rest().text)
            }
            #expect(response["Connection"] == "close")
            #expect(rest.isEmpty)
            #expect(await count.value == 0)
        }
    }

    @Test(arguments: [
        "G", "GET / HTTP/1.1\r\n", post("{}").dropLast().description,
        request("POST", "/", ["Transfer-Encoding: chunked"]) + "1\r\na\r\n", get() + "GET /",
    ])
    func `does not wait for the rest of a request`(part: String) async throws {
        try await withServer(clock: .manual) { loop, host in
            let socket = try await host.open(part)
            defer { socket.close() }
            if part.hasPrefix(get()) { _ = try await response(on: socket) }
            try await until("it has arrived", on: loop) { host.server.connections == 1 }
            for _ in 0..<3 { await loop.turn() }
            let count = host.beginDraining(on: loop)
            try await passDeadline(.milliseconds(500), on: loop)
            let rest = try await offLoop { try socket.rest().text }
            socket.close()
            #expect(await count.value == 0)
            #expect(rest.contains("\r\n\r\nThe server is stopping: try again later.\n"))
            #expect(rest.hasPrefix("HTTP/1.1 503 ") && rest.contains("\r\nRetry-After: 1\r\n"))
        }
    }

    @Test func `serves a connection that the kernel has accepted`() async throws {
        try await withServer { loop, host in
            let gate = Gate()
            let port = host.port
            // Connects and asks while the loop is held up by this task.
            let client = Task.detached {
                try await offLoop {
                    let socket = try RawSocket(port: port)
                    try socket.send(get())
                    gate.open()
                    return (try socket.response(), try socket.rest().text)
                }
            }
            while !gate.isOpen {}
            let count = await host.server.drain(within: .seconds(5))
            #expect(count == 0)
            let (response, rest) = try await client.value
            #expect(response.text == "OK")
            #expect(response["Connection"] == "close")
            #expect(rest.isEmpty)
        }
    }

    @Test func `goes on taking requests during the grace, and refuses them afterwards`() async throws {
        try await withServer(clock: .manual) { loop, host in
            let port = host.port
            let kept = try await offLoop {
                let socket = try RawSocket(port: port)
                try socket.send(get())
                _ = try socket.response()
                return socket
            }
            let count = host.beginDraining(on: loop, grace: .seconds(3))
            try await until("the function is told", on: loop) { host.function.knowsOfDraining }
            host.function.health = .unhealthy("stopping")
            let (ready, posted, old) = try await offLoop {
                let ready = try askToTheEnd(get("/health/readiness"), port)
                let posted = try askToTheEnd(post("{}"), port)
                try kept.send(get())
                return (ready, posted, (response: try kept.response(), rest: try kept.rest().text))
            }
            #expect(ready.response.status == 503)
            #expect(posted.response.text == "body 2")
            for (response, rest) in [ready, posted, old] {  // clients are told to go
                #expect(response["Connection"] == "close")
                #expect(rest.isEmpty)
            }
            let idle = try await host.open()
            try await passDeadline(.seconds(3), on: loop)
            #expect(await count.value == 0)
            let end = try await offLoop { try idle.rest() }
            #expect(end.text.isEmpty && end.ending == .closed)
            // The port is free again, and another test's server may have it: this one takes no connection.
            let late = try? await offLoop { try RawSocket(port: port) }
            for _ in 0..<3 { await loop.turn() }
            #expect(host.server.connections == 0)
            late?.close()
        }
    }

    @Test func `the grace is a part of the time that there is`() async throws {
        try await withServer(clock: .manual) { loop, host in
            host.function.handler = { request, reply in await Gate().waitOrCancelled() }
            let socket = try await host.open(post("{}"))
            try await until("it is pending", on: loop) { host.server.requestsInFlight == 1 }
            let count = host.beginDraining(on: loop, within: .seconds(10), grace: .seconds(3600))
            try await passDeadline(.seconds(10), on: loop)
            #expect(await count.value == 1)
            socket.close()
        }
    }

    @Test func `cuts what is not finished in time, and counts it`() async throws {
        try await withServer(clock: .manual) { loop, host in
            let cancelled = Gate()
            host.function.handler = { request, reply in
                await Gate().waitOrCancelled()
                cancelled.open()
            }
            let port = host.port
            let sockets = try await offLoop {
                try (0..<3).map { _ in
                    let socket = try RawSocket(port: port)
                    try socket.send(post("{}"))
                    return socket
                }
            }
            try await until("all are pending", on: loop) { host.server.requestsInFlight == 3 }
            let count = host.beginDraining(on: loop, within: .seconds(10))
            try await passDeadline(.seconds(10), on: loop)
            #expect(await count.value == 3)
            #expect(host.server.connections == 0)
            #expect(host.server.requestsInFlight == 0)
            await cancelled.wait()
            let endings = try await offLoop { try sockets.map { try $0.receiveUntilEnd().ending } }
            #expect(endings == [.reset, .reset, .reset])
        }
    }
}
