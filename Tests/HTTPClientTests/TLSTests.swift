import EventLoop
import HTTPClient
import TestSupport
import Testing

/// Requests to servers that speak TLS.
@Suite(.timeLimit(.minutes(2))) struct `Requests with TLS` {
    private static func ask(
        _ port: UInt16, host: String = "localhost", trusting authority: String?,
        identity: TLSClientContext.Identity? = nil, times: Int = 1, payload: [UInt8]? = nil, keepAlive: Bool = true
    ) async throws -> [Result<String, ClientError>] {
        let context = try TLSClientContext(caFile: authority, identity: identity)
        return try await onLoop { loop in
            let origin = Origin(host: host, port: port, tls: context, on: loop)
            var results: [Result<String, ClientError>] = []
            for _ in 0..<times {
                results.append(await origin.text(payload.map { Payload($0) }))
                if !keepAlive { origin.closeIdle() }
            }
            origin.closeIdle()
            return results
        }
    }

    /// A server that answers each request with how many bytes its body had.
    private static func withCounting(
        _ count: Int, _ body: (_ address: String) async throws -> Void
    ) async throws {
        let server = try RawServer()
        async let peers = server.play(
            (0..<count).map { _ in
                { peer in
                    while let request = try? peer.receiveRequest() { try peer.send(response("\(request.body.count)")) }
                    peer.close()
                }
            })
        try await body("127.0.0.1:\(server.port)")
        _ = try await peers
    }

    @Test(arguments: [[], ["--version", "1.2"]])
    func `are answered, and connections are kept and sessions resumed`(options: [String]) async throws {
        let certificates = try await Certificates()
        try await Self.withCounting(4) { address in
            let (proxy, port) = try await certificates.proxy(to: address, .good, options)
            defer { proxy.end() }
            let kept = try await Self.ask(port, trusting: certificates.authority, times: 3, payload: [1, 2, 3])
            #expect(kept == [.success("3"), .success("3"), .success("3")])
            let numeric = try await Self.ask(
                port, host: "127.0.0.1", trusting: certificates.authority, times: 3, keepAlive: false)
            #expect(numeric == [.success("0"), .success("0"), .success("0")])
            _ = try await proxy.line(with: "end", count: 4)
            let lines = proxy.log.split(separator: "\n").filter { $0.hasPrefix("connection") }
            #expect(lines.map { $0.contains("resumed=True") } == [false, false, true, true])
            #expect(
                lines.allSatisfy {
                    $0.contains(options.isEmpty ? "TLSv1.3" : "TLSv1.2") && $0.contains("alpn=http/1.1")
                })
        }
    }

    static let distrusted: [(Certificates.Kind, String)] = [
        (.expired, "certificate has expired"), (.other, "hostname mismatch"), (.own, "self-signed certificate"),
    ]

    @Test(arguments: distrusted)
    func `are not sent to a server that cannot be trusted`(kind: Certificates.Kind, words: String) async throws {
        let certificates = try await Certificates()
        let (proxy, port) = try await certificates.proxy(to: "127.0.0.1:1", kind)
        defer { proxy.end() }
        for host in ["localhost", "127.0.0.1"] {
            let result = try await Self.ask(port, host: host, trusting: certificates.authority)[0]
            guard case .failure(let error) = result else { return #expect(Bool(false), "\(result)") }
            let isOther = kind == .other && host == "127.0.0.1"
            #expect("\(error)".contains(isOther ? "IP address mismatch" : words), "\(error)")
            #expect("\(error)".contains("the certificate is not trusted"))
        }
        let unknown = try await Self.ask(port, trusting: nil)[0]  // not by the system
        #expect(throws: ClientError.self) { try unknown.get() }
    }

    @Test func `have a certificate of their own where it is asked for`() async throws {
        let certificates = try await Certificates()
        try await Self.withCounting(1) { address in
            let (proxy, port) = try await certificates.proxy(
                to: address, .good, ["--client-ca", certificates.authority])
            defer { proxy.end() }
            let identity = TLSClientContext.Identity(
                certificateFile: certificates.certificate(.client), keyFile: certificates.key(.client))
            let known = try await Self.ask(port, trusting: certificates.authority, identity: identity)[0]
            #expect(known == .success("0"))
            _ = try await proxy.line(with: "client=True")
            let unknown = try await Self.ask(port, trusting: certificates.authority)[0]
            // The server resets the connection, which may come before what it says of the cause.
            guard case .failure(.closed(let errno, .nothing)) = unknown else {
                return #expect(Bool(false), "\(unknown)")
            }
            let words = "\(ClientError.unreachable(errno: errno))"
            #expect(words.contains("certificate required") || words.contains("reset"), "\(words)")
        }
        #expect(throws: TLSMistake.self) {
            try TLSClientContext(
                identity: .init(
                    certificateFile: certificates.certificate(.client), keyFile: certificates.key(.good)))
        }
    }

    @Test func `trust each certificate of the file, also one that another has signed`() async throws {
        let certificates = try await Certificates()
        try await Self.withCounting(1) { address in
            let (proxy, port) = try await certificates.proxy(to: address, .below)
            defer { proxy.end() }
            let trusted = try await Self.ask(port, trusting: certificates.certificate(.intermediate), payload: [1, 2])
            #expect(trusted == [.success("2")])
            let distrusted = try await Self.ask(port, trusting: certificates.certificate(.own))
            #expect(distrusted.count == 1 && distrusted != [.success("0")])
        }
    }

    @Test func `carry much in both directions`() async throws {
        let certificates = try await Certificates()
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                let request = try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n")
                try peer.send(request.body)
                peer.close()
            }
        ])
        let (proxy, port) = try await certificates.proxy(to: "127.0.0.1:\(server.port)")
        defer { proxy.end() }
        let context = try TLSClientContext(caFile: certificates.authority)
        try await onLoop { loop in
            let origin = Origin(host: "localhost", port: port, tls: context, on: loop)
            let echoed = await origin.ask(Payload(largeBytes))
            #expect(echoed == .success(largeBytes))
            origin.closeIdle()
        }
        _ = try await peers
    }

    @Test func `a connection that trusts what is trusted no longer is not kept`() async throws {
        let certificates = try await Certificates()
        let server = try RawServer()
        let script: RawServer.Script = { peer in
            _ = try peer.receiveRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            _ = try peer.receiveEnd()
        }
        async let peers = server.play([script, script])
        let (proxy, port) = try await certificates.proxy(to: "127.0.0.1:\(server.port)")
        defer { proxy.end() }
        let context = try TLSClientContext(caFile: certificates.authority)
        try await onLoop { loop in
            let origin = Origin(host: "localhost", port: port, tls: context, on: loop)
            let template = RequestTemplate("GET", path: "/", host: "localhost")
            for isReplaced in [true, false] {
                let body = try await origin.withResponse(to: template) { response throws(ClientError) in
                    if isReplaced { origin.useTLS(context) }
                    return try await response.body(upTo: 100)
                }
                #expect(body == Array("ok".utf8) && origin.idleConnections == (isReplaced ? 0 : 1))
            }
            origin.closeIdle()
        }
        _ = try await peers
    }

    @Test(arguments: [true, false])
    func `an answer that ends without the end of TLS is cut`(isCut: Bool) async throws {
        let certificates = try await Certificates()
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                _ = try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end")
                peer.close()
            }
        ])
        let (proxy, port) = try await certificates.proxy(
            to: "127.0.0.1:\(server.port)", .good, isCut ? ["--cut"] : [])
        defer { proxy.end() }
        let result = try await Self.ask(port, trusting: certificates.authority)[0]
        if isCut {
            guard case .failure(.closed(errno: let errno, .body)) = result else {
                return #expect(Bool(false), "\(result)")
            }
            #expect(errno != 0)
        } else {
            #expect(result == .success("until the end"))
        }
        _ = try await peers
    }

    @Test func `a server that speaks no TLS, or says nothing, is told from one that does`() async throws {
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                try peer.send("HTTP/1.1 400 Bad Request\r\n\r\n")
                _ = try? peer.receiveRequest()
                peer.close()
            },
            { peer in
                _ = try? peer.receiveRequest()  // until the client gives up
                peer.close()
            },
            { peer in peer.close() },
        ])
        let plain = try await Self.ask(server.port, host: "127.0.0.1", trusting: nil)[0]
        guard case .failure(.unreachable(errno: let errno)) = plain else { return #expect(Bool(false), "\(plain)") }
        #expect("\(ClientError.unreachable(errno: errno))".contains("wrong version number"))
        try await onLoop(clock: .manual) { loop in
            let origin = Origin(
                host: "127.0.0.1", port: server.port, tls: .system,
                deadlines: .only { $0.connect = .seconds(5) }, on: loop)
            let silent = loop.startTask { await origin.text() }
            try await passDeadline(.seconds(5), on: loop)
            let result = await silent.value
            #expect(result == .failure(.timeout(.connect)))
            let closing = await origin.text()
            #expect(throws: ClientError.self) { try closing.get() }
        }
        _ = try await peers
    }

    @Test func `end at once when they are cancelled, also in the handshake`() async throws {
        let certificates = try await Certificates()
        let server = try RawServer()
        async let peers = server.play(
            (0..<2).map { _ in
                { peer in
                    while (try? peer.receiveRequest()) != nil {}  // until the client leaves
                    peer.close()
                }
            })
        let (proxy, port) = try await certificates.proxy(to: "127.0.0.1:\(server.port)")
        defer { proxy.end() }
        let context = try TLSClientContext(caFile: certificates.authority)
        try await onLoop { loop in
            let origin = Origin(host: "127.0.0.1", port: port, tls: context, on: loop)
            let asking = loop.startTask { await origin.text() }
            _ = try await proxy.line(with: "connection")
            asking.cancel()
            let result = await asking.value
            #expect(result == .failure(.cancelled))
            _ = try await proxy.line(with: "end")
            let silent = Origin(host: "127.0.0.1", port: server.port, tls: context, on: loop)
            let connecting = loop.startTask { await silent.text() }
            try await until("it is connected", on: loop) { server.clients == 1 }
            connecting.cancel()
            let other = await connecting.value
            #expect(other == .failure(.cancelled))
            try await until("its connection is closed", on: loop) { server.clients == 0 }
        }
        _ = try await peers
    }
}
