import HTTPServer
import TestSupport
import Testing

/// Requests that RFC 9112 forbids, most of which evhttp would accept: each is refused and its connection closed.
@Suite(.timeLimit(.minutes(1))) struct `Malformed requests` {
    static let host = "Host: test\r\n"

    /// Heads and bodies with what is wrong with them.
    static let framing = [
        "two equal Content-Lengths": "POST / HTTP/1.1\r\n\(host)Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "two different Content-Lengths": "POST / HTTP/1.1\r\n\(host)Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "space before the colon": "POST / HTTP/1.1\r\n\(host)Content-Length : 2\r\n\r\n{}",
        "plus": "POST / HTTP/1.1\r\n\(host)Content-Length: +2\r\n\r\n{}",
        "minus zero": "POST / HTTP/1.1\r\n\(host)Content-Length: -0\r\n\r\n",
        "negative": "POST / HTTP/1.1\r\n\(host)Content-Length: -1\r\n\r\n",
        "a list": "POST / HTTP/1.1\r\n\(host)Content-Length: 2,2\r\n\r\n{}",
        "hexadecimal": "POST / HTTP/1.1\r\n\(host)Content-Length: 0x2\r\n\r\n{}",
        "empty length": "POST / HTTP/1.1\r\n\(host)Content-Length:\r\n\r\n",
        "overflow": "POST / HTTP/1.1\r\n\(host)Content-Length: 18446744073709551618\r\n\r\n{}",
        "length with NUL": "POST / HTTP/1.1\r\n\(host)Content-Length: 2\0 9\r\n\r\n{}",
        "both framings": "POST / HTTP/1.1\r\n\(host)Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "unknown coding": "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "coding twice":
            "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "identity": "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: identity\r\n\r\n",
        "coding in 1.0": "POST / HTTP/1.0\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]

    static let heads = [
        "NUL in a value": "GET / HTTP/1.1\r\n\(host)A: b\0c\r\n\r\n",
        "NUL in the target": "GET /a\0b HTTP/1.1\r\n\(host)\r\n",
        "obs-fold": "GET / HTTP/1.1\r\n\(host)A: b\r\n c\r\n\r\n",
        "bare LF": "GET / HTTP/1.1\n\(host)\r\n",
        "bare LF in fields": "GET / HTTP/1.1\r\nHost: test\nA: b\r\n\r\n",
        "bare LF at the end": "GET / HTTP/1.1\r\nHost: test\r\n\n",
        "bare CR": "GET / HTTP/1.1\r\nHost: test\rA: b\r\n\r\n",
        "CR CR LF": "GET / HTTP/1.1\r\nHost: test\r\r\n\r\n",
        "empty field name": "GET / HTTP/1.1\r\n\(host): b\r\n\r\n",
        "no colon": "GET / HTTP/1.1\r\n\(host)nonsense\r\n\r\n",
        "space in a name": "GET / HTTP/1.1\r\n\(host)a b: c\r\n\r\n",
        "not a token": "GET / HTTP/1.1\r\n\(host)a(b): c\r\n\r\n",
        "umlaut in a name": "GET / HTTP/1.1\r\n\(host)ä: c\r\n\r\n",
        "DEL in a value": "GET / HTTP/1.1\r\n\(host)A: \u{7F}\r\n\r\n",
        "missing Host": "GET / HTTP/1.1\r\n\r\n",
        "two Hosts": "GET / HTTP/1.1\r\n\(host)\(host)\r\n",
        "two Hosts in 1.0": "GET / HTTP/1.0\r\n\(host)\(host)\r\n",
        "no version": "GET /\r\n\r\n",
        "negative version": "GET / HTTP/1.-1\r\n\(host)\r\n",
        "long version": "GET / HTTP/1.10\r\n\(host)\r\n",
        "lower-case version": "GET / http/1.1\r\n\(host)\r\n",
        "two spaces": "GET  / HTTP/1.1\r\n\(host)\r\n",
        "space in the target": "GET /a b HTTP/1.1\r\n\(host)\r\n",
        "tab": "GET\t/ HTTP/1.1\r\n\(host)\r\n",
        "space at the start": " GET / HTTP/1.1\r\n\(host)\r\n",
        "space at the end": "GET / HTTP/1.1 \r\n\(host)\r\n",
        "only a method": "GET\r\n\r\n",
        "CR without LF": "\rGET / HTTP/1.1\r\n\(host)\r\n",
        "TLS": "\u{16}\u{03}\u{01}\u{02}\0\u{01}\0\u{01}\u{fc}\u{03}\u{03}",
        "brackets": "{\"prompt\":\"hello\"}",
    ]

    static let chunks = [
        "0x2\r\n{}\r\n0\r\n\r\n", "+2\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n", "2 junk\r\n{}\r\n0\r\n\r\n",
        "2 \r\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n", "2\r\n{}\n0\r\n\r\n", "2\n{}\r\n0\r\n\r\n", "\r\n{}\r\n0\r\n\r\n", "g\r\n", ";a\r\n",
        "fffffffffffffffff\r\n", "0000000000000000002\r\n{}\r\n0\r\n\r\n", "2;\0\r\n{}\r\n0\r\n\r\n",
        "2;a\nb\r\n{}\r\n0\r\n\r\n",
        "0\r\n : x\r\n\r\n", "0\r\nA: \0\r\n\r\n", "0\r\nA: b\n\r\n", "0\r\n\rX",
    ]

    private func refused(_ text: String, _ status: Int = 400) async throws {
        try await withServer { loop, host in
            // What follows must not be taken for a request.
            let (response, rest) = try await host.askToTheEnd(text)
            #expect(response.status == status)
            #expect(response["Connection"] == "close")
            #expect(rest.isEmpty)
            #expect(host.function.handled == 0)
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test(arguments: framing.keys.sorted())
    func `ambiguous framing is refused`(name: String) async throws { try await refused(Self.framing[name]! + get()) }

    @Test(arguments: heads.keys.sorted())
    func `a malformed head is refused`(name: String) async throws { try await refused(Self.heads[name]! + get()) }

    @Test(arguments: chunks)
    func `a malformed chunk is refused`(body: String) async throws {
        try await refused(request("POST", "/", ["Transfer-Encoding: chunked"]) + body + get())
    }

    @Test(arguments: ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0", "HTTP/0.0"])
    func `another version is refused`(version: String) async throws {
        try await refused("GET / \(version)\r\nHost: a\r\n\r\n", 505)
    }

    @Test func `the preface of HTTP 2 is refused`() async throws {
        try await refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
    }

    @Test func `a refusal comes although the request is not at its end`() async throws {
        try await withServer { loop, host in
            for (text, status) in [("GET / HTTP/1.1\n", 400), ("\0", 400), ("\u{16}", 400)] {
                let (response, _) = try await host.askToTheEnd(text)
                #expect(response.status == status)
            }
        }
    }

    @Test func `empty lines before a request are passed over`() async throws {
        try await withServer { loop, host in
            let texts = try await host.client { socket in
                try socket.send("\r\n\r\n" + get() + "\r\n")
                let first = try socket.response().text
                try socket.send(get())
                return [first, try socket.response().text]
            }
            #expect(texts == ["OK", "OK"])
        }
    }

    @Test(arguments: [16, 17]) func `no more than 16 empty lines are passed over`(count: Int) async throws {
        try await withServer { loop, host in
            let status = try await host.ask(String(repeating: "\r\n", count: count) + get()).status
            #expect(status == (count == 16 ? 200 : 400))
        }
    }

    @Test func `what is allowed is not refused`() async throws {
        try await withServer { loop, host in
            for head in [
                "GET / HTTP/1.1\r\nhOST:\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB: \t x \t \r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09: \u{FC}\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 000\r\n\r\n",
                "GET /?\"<>\\^`{|} HTTP/1.1\r\nHost: a\r\n\r\n", "GET /% HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /ü HTTP/1.1\r\nHost: a\r\n\r\n",
            ] {
                let status = try await host.ask(head).status
                #expect(status == 200, "\(head)")
            }
        }
    }

    @Test func `a refusal can be read by a client that is still sending`() async throws {
        try await withServer { loop, host in
            let response = try await host.client { socket in
                try socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n")
                for _ in 0..<200 { try socket.send([UInt8](repeating: 0x41, count: 16_384)) }
                return try socket.response()
            }
            #expect(response.status == 400)
        }
    }
}
