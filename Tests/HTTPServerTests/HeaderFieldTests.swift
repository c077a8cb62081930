import HTTPServer
import TestSupport
import Testing

@Suite struct `Header fields and queries` {
    @Test func `a response's fields are sent in their order, however long they are`() async throws {
        try await withServer { loop, host in
            let long = String(repeating: "v", count: 5_000)
            host.function.handler = { _, reply in
                var response = Response.text("hello")
                response.fields = [
                    HeaderField("X-First", "1"), HeaderField("X-Long", long), HeaderField("X-Empty", ""),
                ]
                .compactMap { $0 }
                reply.send(response)
            }
            let response = try await host.ask(post("{}"))
            #expect(response.text == "hello" && response["X-First"] == "1" && response["X-Long"] == long)
            #expect(response["X-Empty"] == "")
            #expect(response.fields.map(\.name).suffix(3) == ["X-First", "X-Long", "X-Empty"])
        }
    }

    @Test func `a stream's fields are sent in their order, however long they are`() async throws {
        try await withServer { loop, host in
            let long = String(repeating: "v", count: 5_000)
            host.function.handler = { _, reply in
                let fields = [HeaderField("X-First", "1"), HeaderField("X-Long", long)].compactMap { $0 }
                let body = reply.start(.ok, .text, fields: fields, unbuffered: true)
                body.write(Array("hel".utf8))
                body.end(Array("lo".utf8))
            }
            let response = try await host.ask(post("{}"))
            #expect(response.text == "hello" && response["X-First"] == "1" && response["X-Long"] == long)
            #expect(response.fields.map(\.name).suffix(3) == ["X-Accel-Buffering", "X-First", "X-Long"])
        }
    }

    @Test(arguments: [
        ("X", "a\r\nSet-Cookie: b"), ("X", "a\nb"), ("X", "a\0b"), ("X", " a"), ("X", "a\t"), ("X Y", "a"), ("X:", "a"),
        ("", "a"), ("Content-Length", "5"), ("transfer-encoding", "chunked"), ("Connection", "close"), ("Date", "now"),
    ])
    func `a field that would break the response cannot be made`(name: String, value: String) {
        #expect(HeaderField(name, value) == nil)
    }

    @Test(
        arguments: [
            ("/a", "/a", nil), ("/a?", "/a", ""), ("/a?b=c&d=%20", "/a", "b=c&d=%20"), ("/a?b?c", "/a", "b?c"),
            ("http://h/a?b", "/a", "b"), ("http://h?b", "/", "b"),
            ("/a?b\u{301}c", "/a", "b\u{301}c"), ("//a?b", "//a", "b"),
        ] as [(String, String, String?)])
    func `a request has a path and a query`(target: String, path: String, query: String?) async throws {
        try await withServer { loop, host in
            host.function.handlesAll = true
            host.function.handler = { request, reply in
                reply.send(.text("\(request.path) \(request.query ?? "none")"))
            }
            let answer = try await host.ask(get(target)).text
            #expect(answer == "\(path) \(query ?? "none")")
        }
    }
}
