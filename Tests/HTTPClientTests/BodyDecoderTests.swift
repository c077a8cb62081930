import HTTPClient
import TestSupport
import Testing

@Suite struct BodyDecoderTests {
    /// Whole bodies: how they are framed, their bytes, what is in them.
    static let bodies: [(ResponseHead.Framing, String, String)] = [
        (.none, "", ""),
        (.length(0), "", ""),
        (.length(1), "x", "x"),
        (.length(10), "hello\r\n0\r\n\r\n", "hello\r\n0\r\n"),
        (.chunked, "0\r\n\r\n", ""),
        (.chunked, "0000000000000000\r\n\r\n", ""),
        (.chunked, "5\r\nhello\r\n0\r\n\r\n", "hello"),
        (.chunked, "0000000000000005\r\nhello\r\n1;a=b;c=\"d\te\"\r\n!\r\n00;x\r\n\r\n", "hello!"),
        (
            .chunked, "a\r\n0\r\n\r\n0\r\n\r\n\r\nB\r\n0123456789A\r\n0\r\nA: b\r\n c\r\nD:\r\n\r\n",
            "0\r\n\r\n0\r\n\r\n0123456789A"
        ),
        (.chunked, chunkedBody(OllamaCaptures.stream.joined()), lines(OllamaCaptures.stream)),
        (.chunked, chunkedBody(OllamaCaptures.secondStream.joined()), lines(OllamaCaptures.secondStream)),
        (.chunked, chunkedBody(OllamaCaptures.longReply), lines([OllamaCaptures.longReply])),
    ]

    @Test(arguments: bodies)
    func `a body is found the same wherever it is split`(
        _ framing: ResponseHead.Framing, _ message: String, _ data: String
    ) {
        let bytes = Array(message.utf8)
        let count = framing == .length(10) ? 10 : bytes.count
        let followed = bytes + Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
        for split in 0...bytes.count {
            let decoded = decode(framing, [followed[..<split], followed[split...]])
            #expect(decoded.outcome == "end" && decoded.consumed == count && decoded.text == data, "split at \(split)")
            if split < count { #expect(decode(framing, [bytes[..<split]]).outcome == "cut", "cut at \(split)") }
        }
        #expect(decode(framing, bytes.indices.map { bytes[$0...$0] } + [[]]).text == data)
    }

    @Test func `a long whole reply has the length that its chunk says`() {
        #expect(decode(.chunked, Self.chunkedBody(OllamaCaptures.longReply)).data.count == 0xB07)
    }

    @Test(arguments: OllamaCaptures.stream.indices)
    func `the reads of a stream bring whole lines`(_ index: Int) {
        var bodies = OllamaCaptures.stream
        bodies[0] = Self.chunkedBody(bodies[0])
        let decoded = decode(.chunked, bodies[0...index].map { Array($0.utf8)[...] })
        #expect(decoded.text.hasSuffix("}\n"))
        #expect(decoded.outcome == (index == bodies.count - 1 ? "end" : "cut"))
    }

    /// `|` stands for CRLF.
    @Test(arguments: [
        "|", " ", "\n", ";", "-", "+5|", "0x5|", "x", "g", "5 |", "5\t|", " 5|", "5\n", "5\rx", "5\r\r", "5\0", "5,",
        "1|ab",
        "1|a\n",
        "1|a\rb", "1|a||", "1|a|x", "0|\n", "0|\rx", "0|A\n", "0|A: b\r\r", "0|A\0", "0|A: b|\n", "1;\n", "1;a\rb",
        "1;\0", "1;\u{7F}",
        "8000000000000000|", "FFFFFFFFFFFFFFFF|", "00000000000000000", "10000000000000000", "1|a|\r",
    ])
    func `malformed chunks are refused`(_ text: String) {
        let bytes = text.utf8.flatMap { $0 == UInt8(ascii: "|") ? [0x0D, 0x0A] : [$0] }
        let whole = decode(.chunked, [bytes[...]])
        #expect(whole.outcome.hasPrefix("malformed"))
        for split in bytes.indices { #expect(decode(.chunked, [bytes[..<split], bytes[split...]]) == whole) }
    }

    @Test func `a chunk of the largest size is awaited`() {
        let decoded = decode(.chunked, "7fffffffffffffff\r\nabc")
        #expect(decoded.text == "abc" && decoded.outcome == "cut")
        #expect(decode(.length(.max), "abc").text == "abc")
    }

    @Test func `a negative length is malformed`() {
        #expect(decode(.length(-1), "abc").outcome.hasPrefix("malformed"))
        #expect(decode(.length(.min), "").outcome.hasPrefix("malformed"))
    }

    @Test func `chunk extensions have a limit each`() {
        let line = "1;" + String(repeating: "x", count: BodyDecoder.maximumChunkLine - 2)
        #expect(decode(.chunked, "\(line)\r\na\r\n\(line)\r\nb\r\n0\r\n\r\n").text == "ab")
        #expect(decode(.chunked, "\(line)x").outcome.hasPrefix("malformed"))
    }

    @Test func `trailers have a limit together`() {
        let trailer = String(repeating: "x", count: BodyDecoder.maximumTrailers / 4)
        let trailers = String(repeating: "\(trailer)\r\n", count: 4)
        #expect(decode(.chunked, "0;\(String(repeating: "y", count: 100))\r\n\(trailers)\r\n").outcome == "end")
        #expect(decode(.chunked, "0\r\n\(trailers)x").outcome.hasPrefix("malformed"))
    }

    @Test func `a body until the close ends with the connection`() {
        let decoded = decode(.untilClose, "0\r\n\r\nabc")
        #expect(decoded.text == "0\r\n\r\nabc" && decoded.outcome == "closed")
        #expect(decode(.untilClose, "").outcome == "closed")
    }

    @Test func `a body is complete at once with its last byte`() {
        var decoder = BodyDecoder(.length(3))
        #expect(!decoder.isComplete)
        unsafe withCopy(of: "abc".utf8) { _ = unsafe decoder.next($0) }
        #expect(decoder.isComplete)
        let isEnd = decoder.close()
        #expect(isEnd)
        guard case .end(0) = unsafe withCopy(of: [], { unsafe decoder.next($0) }) else {
            Issue.record("no end")
            return
        }
    }

    @Test func `what is malformed stays malformed`() {
        var decoder = BodyDecoder(.chunked)
        for text in ["x", "0\r\n\r\n", ""] {
            guard case .malformed = unsafe withCopy(of: text.utf8, { unsafe decoder.next($0) }) else {
                Issue.record("no longer malformed")
                return
            }
        }
        let isEnd = decoder.close()
        #expect(!isEnd)
    }

    @Test(.seeded) func `random chunks are read the same however they are split`() {
        var random = SeededRandom(2)
        let seeds = Self.bodies.filter { $0.0 == .chunked && $0.1.utf8.count < 1000 }.map { Array($0.1.utf8) }
        let syntax = Array("\r\n\0 ;0159aFx:\u{7F}".utf8)
        for _ in 0..<50_000 {
            var bytes = seeds.randomElement(using: &random) ?? []
            bytes.mutate(with: syntax, using: &random)
            let whole = decode(.chunked, [bytes[...]])
            let first = Int.random(in: 0...bytes.count, using: &random)
            let second = Int.random(in: first...bytes.count, using: &random)
            let split = decode(.chunked, [bytes[..<first], bytes[first..<second], bytes[second...]])
            #expect(split == whole, "\(bytes) at \(first) and \(second)")
        }
    }

    /// The bytes behind the head.
    private static func chunkedBody(_ message: String) -> String {
        guard let end = message.utf8.firstRange(of: "\r\n\r\n".utf8) else { return message }
        return String(message[end.upperBound...])
    }

    /// The lines of a capture that are JSON.
    private static func lines(_ reads: [String]) -> String {
        let lines = reads.joined().utf8.split(separator: UInt8(ascii: "\n")).filter { $0.first == UInt8(ascii: "{") }
        return lines.map { line in
            // A streamed line ends in LF; a whole reply's only line is followed by its chunk's CRLF.
            line.last == UInt8(ascii: "\r") ? String(Substring(line).dropLast()) : String(Substring(line)) + "\n"
        }.joined()
    }
}
