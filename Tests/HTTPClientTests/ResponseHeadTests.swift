import HTTPClient
import TestSupport
import Testing

@Suite struct ResponseHeadTests {
    /// Whole heads, each with what it says.
    static let heads: [(String, ResponseHead)] = [
        ("HTTP/1.1 200 OK\r\n\r\n", ResponseHead(status: 200, framing: .untilClose, keepAlive: false)),
        ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", ResponseHead(status: 200, framing: .length(0), keepAlive: true)),
        ("HTTP/1.1 200\r\nContent-Length:7\r\n\r\n", ResponseHead(status: 200, framing: .length(7), keepAlive: true)),
        (
            "HTTP/1.1 599 \u{e4}\tb\r\ncontent-LENGTH: \t009223372036854775807 \t\r\n\r\n",
            ResponseHead(status: 599, framing: .length(.max), keepAlive: true)
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding:ChunKed\r\nX:\r\n!#$%&'*+-.^_`|~9: \u{fc}\r\n\r\n",
            ResponseHead(status: 200, framing: .chunked, keepAlive: true)
        ),
        ("HTTP/1.1 100 Continue\r\n\r\n", ResponseHead(status: 100, framing: .none, keepAlive: true)),
        ("HTTP/1.1 204 No Content\r\n\r\n", ResponseHead(status: 204, framing: .none, keepAlive: true)),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
            ResponseHead(status: 304, framing: .none, keepAlive: false)
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: , x ,\tCLOSE\r\nConnection: keep-alive\r\n\r\n",
            ResponseHead(status: 200, framing: .length(1), keepAlive: false)
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n",
            ResponseHead(status: 200, framing: .untilClose, keepAlive: false)
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
            ResponseHead(status: 200, framing: .length(1), keepAlive: false)
        ),
        (
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n",
            ResponseHead(status: 200, framing: .length(1), keepAlive: true)
        ),
        (
            "HTTP/1.1 503 No\r\nRetry-After: 120\r\nContent-Length: 2\r\nContent-Type: APPLICATION/json ; a=b\r\n\r\n",
            ResponseHead(status: 503, framing: .length(2), keepAlive: true, retryAfter: 120, contentType: .json)
        ),
        (
            "HTTP/1.1 429 No\r\nRetry-After: 99999999999999999999999\r\nContent-Length: 2\r\n\r\n",
            ResponseHead(status: 429, framing: .length(2), keepAlive: true, retryAfter: 86_400)
        ),
        (
            "HTTP/1.1 429 No\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 2\r\n\r\n",
            ResponseHead(status: 429, framing: .length(2), keepAlive: true, retryAfter: 0)
        ),
        (
            "HTTP/1.1 429 No\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\nContent-Length: 2\r\n\r\n",
            ResponseHead(status: 429, framing: .length(2), keepAlive: true, retryAfter: 86_400)
        ),
        (
            "HTTP/1.1 429 No\r\nRetry-After: soon\r\nContent-Length: 2\r\n\r\n",
            ResponseHead(status: 429, framing: .length(2), keepAlive: true)
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n",
            ResponseHead(status: 200, framing: .length(2), keepAlive: true, contentType: .other)
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n",
            ResponseHead(status: 200, framing: .length(2), keepAlive: true, contentType: .other)
        ),
    ]

    /// What Ollama sent.
    static let captures: [(String, ResponseHead)] = [
        (
            OllamaCaptures.stream.joined(),
            ResponseHead(status: 200, framing: .chunked, keepAlive: true, contentType: .ndjson)
        ),
        (
            OllamaCaptures.secondStream.joined(),
            ResponseHead(status: 200, framing: .chunked, keepAlive: true, contentType: .ndjson)
        ),
        (
            OllamaCaptures.unknownModelWithTag,
            ResponseHead(status: 404, framing: .length(37), keepAlive: true, contentType: .json)
        ),
        (
            OllamaCaptures.queueFull,
            ResponseHead(status: 503, framing: .length(77), keepAlive: true, contentType: .json)
        ),
        (OllamaCaptures.longReply, ResponseHead(status: 200, framing: .chunked, keepAlive: true, contentType: .json)),
    ]

    @Test(arguments: heads + captures)
    func `a head is read the same wherever it is split`(_ message: String, _ expected: ResponseHead) throws {
        let bytes = Array(message.utf8)
        let end = try #require(endOfHead(bytes))
        for count in 0..<end { #expect(isNeedMore(parse(bytes[..<count])), "after \(count) bytes") }
        for bytes in [Array(bytes[..<end]), bytes, bytes + [0x00, 0x0A]] {
            guard case .done(let head, let consumed) = parse(bytes) else {
                Issue.record("\(parse(bytes))")
                continue
            }
            #expect(head == expected)
            #expect(consumed == end)
        }
    }

    /// Each line is malformed at its last byte, and not before: `|` stands for CRLF.
    @Test(arguments: [
        "h", "HTTP/2", "HTTP/1.2", "HTTP/1.1\t", "HTTP/1.1 0", "HTTP/1.1 6", "HTTP/1.1 20 ", "HTTP/1.1 2000",
        "HTTP/1.1 -", "HTTP/1.1  ", "HTTP/1.1 200-", "HTTP/1.1 200\n", "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\rX",
        "HTTP/1.1 200 O\0", "HTTP/1.1 200 O\u{7F}", "\r", "\n", " ",
        "HTTP/1.1 200 OK|\n", "HTTP/1.1 200 OK|\rX", "HTTP/1.1 200 OK| ", "HTTP/1.1 200 OK|A: b| ",
        "HTTP/1.1 200 OK|A: b|\t",
        "HTTP/1.1 200 OK|:", "HTTP/1.1 200 OK|A ", "HTTP/1.1 200 OK|A\t", "HTTP/1.1 200 OK|A\r", "HTTP/1.1 200 OK|A\n",
        "HTTP/1.1 200 OK|A\0", "HTTP/1.1 200 OK|A(", "HTTP/1.1 200 OK|A: b\n", "HTTP/1.1 200 OK|A: b\r\r",
        "HTTP/1.1 200 OK|A: b\0", "HTTP/1.1 200 OK|A: b\u{1B}", "HTTP/1.1 200 OK|A: b\u{7F}",
        "HTTP/1.1 200 OK|Content-Length:|", "HTTP/1.1 200 OK|Content-Length: +1|",
        "HTTP/1.1 200 OK|Content-Length: -1|",
        "HTTP/1.1 200 OK|Content-Length: 1 1|", "HTTP/1.1 200 OK|Content-Length: 1,1|",
        "HTTP/1.1 200 OK|Content-Length: 0x1|", "HTTP/1.1 200 OK|Content-Length: 1.0|",
        "HTTP/1.1 200 OK|Content-Length: 9223372036854775808|",
        "HTTP/1.1 200 OK|Content-Length: 18446744073709551617|",
        "HTTP/1.1 200 OK|Content-Length: 1|Content-Length: 1|",
        "HTTP/1.1 200 OK|Content-Length: 1|A: b|content-length: 2|",
        "HTTP/1.1 200 OK|Content-Length: 1|Transfer-Encoding: chunked|",
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked|Content-Length: 1|",
        "HTTP/1.1 304 Not|Transfer-Encoding: chunked|Content-Length: 1|",
        "HTTP/1.1 200 OK|Transfer-Encoding:|", "HTTP/1.1 200 OK|Transfer-Encoding: gzip|",
        "HTTP/1.1 200 OK|Transfer-Encoding: gzip, chunked|", "HTTP/1.1 200 OK|Transfer-Encoding: chunked, chunked|",
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked;q=1|", "HTTP/1.1 200 OK|Transfer-Encoding: xchunked|",
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked|Transfer-Encoding: chunked|",
        "HTTP/1.1 200 OK|Transfer-Encoding: \u{0B}", "HTTP/1.0 200 OK|Transfer-Encoding: chunked|",
    ])
    func `a malformed head is refused at the first byte that shows it`(_ text: String) {
        let bytes = text.utf8.flatMap { $0 == UInt8(ascii: "|") ? [0x0D, 0x0A] : [$0] }
        for count in 0..<bytes.count { #expect(isNeedMore(parse(bytes[..<count])), "after \(count) bytes") }
        #expect(isMalformed(parse(bytes)))
        #expect(isMalformed(parse(bytes + Array("\r\n\r\n".utf8))))
    }

    @Test func `a head of 64 KiB is read and a longer one is refused`() {
        let start = "HTTP/1.1 200 OK\r\nA: "
        let padding = ResponseHead.maximumBytes - start.utf8.count - 4
        let longest = Array((start + String(repeating: "x", count: padding) + "\r\n\r\n").utf8)
        guard case .done(_, ResponseHead.maximumBytes) = parse(longest) else {
            Issue.record("\(parse(longest))")
            return
        }
        #expect(isNeedMore(parse(longest.dropLast())))
        let longer = Array((start + String(repeating: "x", count: padding + 1) + "\r\n\r\n").utf8)
        #expect(isNeedMore(parse(longer[..<(ResponseHead.maximumBytes - 1)])))
        #expect(isMalformed(parse(longer[..<ResponseHead.maximumBytes])))
        #expect(isMalformed(parse(longer)))
    }

    @Test(.seeded) func `a random head is read the same however it is split`() {
        var random = SeededRandom(1)
        let seeds = (Self.heads + Self.captures).map { message, _ in
            Array(message.utf8).prefix(endOfHead(Array(message.utf8)) ?? 0)
        }
        let syntax = Array("\r\n\0 \t:,;+-019AHf\u{7F}".utf8)
        for _ in 0..<50_000 {
            var bytes = Array(seeds.randomElement(using: &random) ?? [])
            bytes.mutate(with: syntax, using: &random)
            let whole = parse(bytes)
            let split = Int.random(in: 0...bytes.count, using: &random)
            let part = parse(bytes[..<split])
            switch (part, whole) {
            case (.needMore, _): break
            case (.done(let head, let consumed), .done(let same, let sameConsumed)):
                #expect(head == same && consumed == sameConsumed && consumed <= split)
            case (.malformed(let rule), .malformed(let same)): #expect("\(rule)" == "\(same)")
            default: Issue.record("\(part) became \(whole): \(bytes)")
            }
        }
    }

    private func endOfHead(_ bytes: [UInt8]) -> Int? {
        (4..<(bytes.count + 1)).first { bytes[($0 - 4)..<$0].elementsEqual("\r\n\r\n".utf8) }
    }

    private func isNeedMore(_ outcome: ResponseHead.Outcome) -> Bool {
        if case .needMore = outcome { true } else { false }
    }

    private func isMalformed(_ outcome: ResponseHead.Outcome) -> Bool {
        if case .malformed = outcome { true } else { false }
    }
}
