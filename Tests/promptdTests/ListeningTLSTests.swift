import Foundation
import TestSupport
import Testing

/// `--tls-cert`: clients that speak TLS.
@Suite(.timeLimit(.minutes(3))) struct `Clients with TLS` {
    private static func serve(
        _ certificates: Certificates, _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> (Command, url: String) {
        let (server, url) = try await Promptd.serve(
            ["--tls-cert", certificates.certificate(.good), "--tls-key", certificates.key(.good)] + arguments,
            environment: environment)
        return (server, "https://localhost:" + (url.split(separator: ":").last ?? ""))
    }

    private static func curl(_ certificates: Certificates, _ arguments: String...) async throws -> String {
        let trusted = ["-sS", "--max-time", "\(patience)", "--noproxy", "*", "--cacert", certificates.authority]
        let result = try await Command.run("/usr/bin/curl", trusted + arguments)
        return result.output + result.errors
    }

    /// What `openssl s_client` says of a connection.
    private static func client(
        _ certificates: Certificates, _ url: String, _ more: String, input: String = ""
    ) async throws -> String {
        let address = url.dropFirst("https://".count)
        let script = "printf '\(input)' | openssl s_client -connect \(address) -CAfile \"$0\" \(more) 2>&1"
        return try await Command.run("/bin/sh", ["-c", script, certificates.authority]).output
    }

    @Test func `are answered as others are`() async throws {
        let certificates = try await Certificates()
        let (standIn, address) = try await Promptd.standIn(["--token-interval", "5ms"])
        let (server, url) = try await Self.serve(certificates, environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        for version in ["--tlsv1.3", "--tls-max"] {
            let options = version == "--tls-max" ? [version, "1.2"] : [version, "--http1.1"]
            let get = try await Self.curl(certificates, options[0], options[1], url)
            #expect(get == "OK")
        }
        let whole = try await Self.curl(certificates, url, "-d", #"{"prompt":"one"}"#)
        #expect(whole.contains("You asked: one"))
        let streamed = try await Self.curl(certificates, url, "-N", "-d", #"{"prompt":"two","stream":true}"#)
        #expect(streamed.contains("You asked: two"))
        // A body that asks for 100 Continue, and is longer than many records.
        let long = String(repeating: "long ", count: 400_000)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(#"{"prompt":"\#(long)"}"#.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let (plain, plainAddress) = try await Promptd.standIn()
        let (second, url2) = try await Self.serve(certificates, environment: ["OLLAMA_HOST": plainAddress])
        defer { [plain, second].forEach { $0.end() } }
        let echoed = try await Self.curl(
            certificates, url2, "-H", "Expect: 100-continue", "--data-binary", "@\(file.path)")
        #expect(echoed.hasSuffix("\(long)") || echoed.contains(long.dropLast()))
        for command in [["ask", "Why?"], ["load", url2, "--at-once", "200", "--stream"], ["probe", "readiness"]] {
            let result = try await Promptd.run(
                command[0] == "load" ? command : command + ["--url", url2],
                environment: ["PROMPTD_CA_FILE": certificates.authority])
            #expect(result.status == 0, "\(command) \(result)")
        }
        let distrusting = try await Promptd.run(["probe", "readiness", "--url", url2])
        #expect(distrusting.status == 1 && distrusting.errors.contains("the certificate is not trusted"))
    }

    @Test func `resume sessions, and are told of HTTP 1.1 and of the end`() async throws {
        let certificates = try await Certificates()
        let (server, url) = try await Self.serve(certificates, ["--embedded"])
        defer { server.end() }
        let session = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: session) }
        let request = #"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"#
        for version in ["-tls1_3", "-tls1_2"] {
            let first = try await Self.client(
                certificates, url, "\(version) -alpn h2,http/1.1 -ign_eof -sess_out \(session)", input: request)
            #expect(first.contains("ALPN protocol: http/1.1") && first.contains("Verify return code: 0 (ok)"))
            #expect(first.contains("New, TLSv") && first.contains("OK") && !first.contains("unexpected eof"))
            let second = try await Self.client(
                certificates, url, "\(version) -ign_eof -sess_in \(session)", input: request)
            #expect(second.contains("Reused, TLSv"))
        }
        let other = try await Self.client(certificates, url, "-alpn h2 -ign_eof", input: request)
        #expect(other.contains("no application protocol"))
        let old = try await Self.client(certificates, url, "-tls1_1 -cipher DEFAULT@SECLEVEL=0")
        #expect(old.contains("protocol version"))
        // One that speaks no TLS gets nothing, and takes nothing from the others.
        let plain = try await Promptd.curl(url.replacing("https", with: "http"))
        #expect(plain.contains("curl: (52)") || plain.contains("curl: (56)") || plain.contains("curl: (1)"), "\(plain)")
        let get = try await Self.curl(certificates, url)
        #expect(get == "OK")
    }

    @Test func `must show a certificate where that is asked for`() async throws {
        let certificates = try await Certificates()
        let (server, url) = try await Self.serve(
            certificates, ["--embedded", "--tls-client-ca", certificates.authority])
        defer { server.end() }
        let known = try await Self.curl(
            certificates, url, "--cert", certificates.certificate(.client), "--key", certificates.key(.client))
        #expect(known == "OK")
        let unknown = try await Self.curl(certificates, url)
        #expect(unknown.contains("certificate required") || unknown.contains("curl: (56)"), "\(unknown)")
        let foreign = try await Self.curl(
            certificates, url, "--cert", certificates.certificate(.own), "--key", certificates.key(.own))
        #expect(foreign.contains("curl: ("), "\(foreign)")
        _ = try await server.line(with: "TLS handshake failed")
        // A file with an authority that another has signed is enough for the certificates by that authority.
        let (second, secondURL) = try await Self.serve(
            certificates, ["--embedded", "--tls-client-ca", certificates.certificate(.intermediate)])
        defer { second.end() }
        for (kind, isTaken) in [(Certificates.Kind.below, true), (.client, false)] {
            let answer = try await Self.curl(
                certificates, secondURL, "--cert", certificates.certificate(kind), "--key", certificates.key(kind))
            #expect((answer == "OK") == isTaken, "\(kind): \(answer)")
        }
    }

    @Test func `get another certificate after SIGHUP, while streams go on`() async throws {
        let certificates = try await Certificates()
        let (standIn, address) = try await Promptd.standIn(["--token-interval", "20ms"])
        let (server, url) = try await Self.serve(certificates, environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let load = Task {
            try await Promptd.run(
                ["load", url, "--at-once", "100", "--stream", "--prompt", "I am {n}.", "--expect", "I am {n}."],
                environment: ["PROMPTD_CA_FILE": certificates.authority])
        }
        try await Promptd.untilAsked(standIn, times: 50)
        try certificates.replace(.good, by: .other)
        server.signal(SIGHUP)
        _ = try await server.line(with: "reloaded the settings")
        let renewed = try await Self.curl(certificates, url)
        #expect(renewed.contains("curl: (60)"))  // the name is another one
        try Data("nonsense".utf8).write(to: URL(filePath: certificates.certificate(.good)))
        server.signal(SIGHUP)
        let line = try await server.line(with: "the previous settings stay in use")
        #expect(line.contains("the certificate '\(certificates.certificate(.good))' cannot be used"))
        let still = try await Self.curl(certificates, url, "-k")
        #expect(still == "OK")
        let result = try await load.value
        // Connections that were opened before, or after with the other name.
        #expect(result.output.contains("answered") && !result.output.contains("not the expected"), "\(result)")
    }

    @Test func `see that a stream is cut`() async throws {
        let certificates = try await Certificates()
        let prompt = String(repeating: "a ", count: 500)
        for version in ["--http1.1", "--http1.0"] {
            let (standIn, address) = try await Promptd.standIn(["--token-interval", "20ms"])
            let (server, url) = try await Self.serve(certificates, environment: ["OLLAMA_HOST": address])
            defer { [standIn, server].forEach { $0.end() } }
            let asking = Task {
                try await Command.run(
                    "/usr/bin/curl",
                    [
                        "-sSN", "--cacert", certificates.authority, version, url, "-d",
                        #"{"prompt":"\#(prompt)","stream":true}"#,
                    ])
            }
            try await Promptd.untilAsked(standIn)
            try await Promptd.untilAnswer(#""active":1"#, at: "http://\(address)/stand-in/counts")
            standIn.end()
            let result = try await asking.value
            #expect([18, 56].contains(result.status), "\(version): \(result)")
        }
    }

    @Test func `that have sent half a record make room as idle ones do`() async throws {
        let certificates = try await Certificates()
        let (server, url) = try await Self.serve(
            certificates, ["--embedded", "--max-connections", "3", "--reserved-connections", "1"])
        let port = String(url.split(separator: ":").last ?? "")
        let program = Command.program("half_records.py")
        let halves = try Command("/usr/bin/python3", [program, port, certificates.authority, "4"])
        defer { [server, halves].forEach { $0.end() } }
        _ = try await halves.line(with: "sent")
        try await untilSeen(
            "another one is served", { try await Self.curl(certificates, url) }, isRight: { $0 == "OK" })
    }

    @Test func `that have the server make other keys again and again are let go`() async throws {
        let certificates = try await Certificates()
        let (server, url) = try await Self.serve(certificates, ["--embedded"])
        defer { server.end() }
        // Each line has the client ask for other keys. If the server went on, this would last longer than the test.
        let script = """
            (i=0; while [ $i -lt 200 ]; do printf 'K\n' || exit 0; i=$((i + 1)); sleep 0.01; done; sleep 100) |
                openssl s_client -connect "$0" -CAfile "$1" 2>&1
            """
        let client = try Command(
            "/bin/sh", ["-c", script, String(url.dropFirst("https://".count)), certificates.authority])
        let result = try await client.finish()
        #expect(result.output.contains("KEYUPDATE"))
        let get = try await Self.curl(certificates, url)
        #expect(get == "OK")
    }

    @Test func `that take nothing of a long answer are dropped`() async throws {
        let certificates = try await Certificates()
        let (standIn, address) = try await Promptd.standIn()
        let (server, url) = try await Self.serve(
            certificates, ["--write-timeout", "300ms"], environment: ["OLLAMA_HOST": address])
        // The echo of a long prompt, on a connection whose receive buffer is small.
        let program = Command.program("slow_reader.py")
        let port = String(url.split(separator: ":").last ?? "")
        let reader = try Command("/usr/bin/python3", [program, port, certificates.authority])
        defer { [standIn, server, reader].forEach { $0.end() } }
        _ = try await server.line(with: "client dropped")
        let get = try await Self.curl(certificates, url)
        #expect(get == "OK")
    }

    @Test func `that never finish a handshake are let go, and the others are served`() async throws {
        let certificates = try await Certificates()
        let (server, url) = try await Self.serve(certificates, ["--embedded", "--header-timeout", "200ms"])
        defer { server.end() }
        let port = UInt16(url.split(separator: ":").last ?? "") ?? 0
        let ends = try await offLoop {
            let sockets = try (0..<50).map { index in
                let socket = try RawSocket(port: port)
                // Nothing, a part of a handshake, and what is none.
                try socket.send([[], [0x16, 3, 1, 2, 0, 1], Array("GET / HTTP/1.1\r\n\r\n".utf8)][index % 3])
                return socket
            }
            return try sockets.map { try $0.receiveUntilEnd().bytes.count }
        }
        #expect(ends.allSatisfy { $0 < 50 })  // an alert at most
        _ = try await server.line(with: "TLS handshake failed")
        let get = try await Self.curl(certificates, url)
        #expect(get == "OK")
    }
}
