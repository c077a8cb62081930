import EventLoop
import HTTPClient
import Ollama
import TestSupport
import Testing

/// What a client makes of responses over a real socket.
@Suite(.timeLimit(.minutes(1))) struct `Answers` {
    private static let request = Array(#"{"model":"llama3.2:1b","messages":[],"stream":false}"#.utf8)

    /// Asks a server that replies with `reply`, in one piece or byte by byte.
    private static func answer(_ reply: String, byteByByte: Bool = false) async throws -> Result<String, OllamaError> {
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                let (head, body) = try peer.receiveRequest()
                #expect(head.hasPrefix("POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"))
                #expect(head.contains("\r\nContent-Type: application/json\r\n"))
                #expect(!head.contains("Origin:"))
                #expect(body == request)
                if byteByByte { try peer.sendByteByByte(Array(reply.utf8)) } else { try peer.send(reply) }
                try peer.receiveEnd()
            }
        ])
        let outcome = try await onLoop { loop in
            let host = try OllamaHost.parse("127.0.0.1:\(server.port)").0
            let client = OllamaClient(host, work: WorkQueue(on: loop), on: loop)
            defer { client.close() }
            do throws(OllamaError) {
                return Result<String, OllamaError>.success(
                    String(decoding: try await client.answer(to: Payload(request)).bytes, as: UTF8.self))
            } catch {
                return .failure(error)
            }
        }
        _ = try await peers
        return outcome
    }

    private static func refused(_ status: Int, _ message: String) -> Result<String, OllamaError> {
        .failure(.refused(status: status, message: message, retryAfter: nil))
    }

    static let captures: [(String, Result<String, OllamaError>)] = [
        (OllamaCaptures.answer, .success(" (D) Venice")),
        (OllamaCaptures.unknownModel, refused(404, "model 'nope' not found")),
        (OllamaCaptures.malformedJSON, refused(400, "unexpected EOF")),
        (OllamaCaptures.load, .success("")),
        (
            OllamaCaptures.wrongType,
            refused(
                400, "json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message")
        ),
        (OllamaCaptures.badOption, refused(500, "option \"temperature\" must be of type float32")),
        (
            OllamaCaptures.toolsUnsupported,
            refused(400, "registry.ollama.ai/library/llama3.2:1b does not support tools")
        ),
        (OllamaCaptures.thinkUnsupported, refused(400, "\"llama3.2:1b\" does not support thinking")),
        (OllamaCaptures.runnerKilled, refused(500, "an error was encountered while running the model: unexpected EOF")),
        (OllamaCaptures.tokenRepeated, .failure(.incomplete)),
        (OllamaCaptures.schema, .success("{\n\n  \"name\": \"Test2018\",\n  \"age\": 1800000000000000\n\n  }")),
        (
            OllamaCaptures.queueFull,
            refused(503, "server busy, please try again.  maximum pending requests exceeded")
        ),
    ]

    @Test(arguments: captures, [false, true])
    func `a reply of a genuine Ollama is understood`(
        capture: (reply: String, outcome: Result<String, OllamaError>), byteByByte: Bool
    ) async throws {
        #expect(try await Self.answer(capture.reply, byteByByte: byteByByte) == capture.outcome)
    }

    @Test(arguments: [false, true])
    func `a long reply of a genuine Ollama, which is chunked, is understood`(byteByByte: Bool) async throws {
        let answer = try await Self.answer(OllamaCaptures.longReply, byteByByte: byteByByte).get()
        #expect(answer.utf8.count == 2386)
        #expect(answer.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) } == 15530665925389048300)
        #expect(answer.hasPrefix("\nQuestion:\nWrite a long story about a fox.\nAnswer:\n"))
        #expect(answer.hasSuffix("The fox eats the"))
    }

    private static func response(_ body: String, _ start: String = "200 OK") -> String {
        "HTTP/1.1 \(start)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// What Ollama, or something in its place, might send and the captures do not have.
    static let others: [(String, Result<String, OllamaError>)] = [
        (response("", "403 Forbidden"), refused(403, "")),
        (response("404 page not found", "404 Not Found"), refused(404, "")),
        (response("<html>", "502 Bad Gateway"), refused(502, "")),
        (
            response("{\"error\":\"wait\"}", "429 No\r\nRetry-After: 7"),
            .failure(.refused(status: 429, message: "wait", retryAfter: 7))
        ),
        (response("{\"error\":\"bad luck\"}"), .failure(.failed(message: "bad luck"))),
        (response(""), .failure(.malformedResponse)), (response("null"), .failure(.malformedResponse)),
        (response("[]"), .failure(.malformedResponse)),
        (response("{}"), .failure(.malformedResponse)), (response("{\"done\":true}"), .failure(.malformedResponse)),
        (response("{\"message\":{\"content\":\"x\"},\"done\":true"), .failure(.malformedResponse)),
        (response("{\"message\":{\"content\":\"x\"},\"done\":true}{}"), .failure(.malformedResponse)),
        (response("{\"message\":{\"content\":5},\"done\":true}"), .failure(.malformedResponse)),
        (response("{\"message\":{\"content\":\"x\"}}"), .failure(.incomplete)),
        (
            response(" {\"done\":true , \"message\":{\"x\":[{}],\"content\":\"\\u00e9\\n\\ud83d\\ude00\"}}\r\n"),
            .success("é\n😀")
        ),
        ("SSH-2.0-x\r\n", .failure(.transport(.malformed("x", .head)))),
    ]

    @Test(arguments: others)
    func `anything else has its error`(reply: String, outcome: Result<String, OllamaError>) async throws {
        let actual = try await Self.answer(reply)
        if case .failure(.transport(.malformed)) = outcome, case .failure(.transport(.malformed)) = actual { return }
        #expect(actual == outcome)
    }

    @Test func `a whole reply of some megabytes is understood`() async throws {
        let text = String(repeating: "0123456789abcde\\n", count: 200_000)
        let answer = try await Self.answer(Self.response("{\"message\":{\"content\":\"\(text)\"},\"done\":true}")).get()
        #expect(answer.utf8.count == 16 * 200_000)
        #expect(Array(answer.utf8).hasSameBytes(as: Array(text.replacing("\\n", with: "\n").utf8)))
    }
}
