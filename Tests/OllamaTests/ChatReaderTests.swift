import Foundation
import HTTPClient
@testable import Ollama
import TestSupport
import Testing

/// What a streamed reply says, put together.
private final class Transcript: ChatReceiver {
    func mayHold(_ count: Int) -> Bool { true }

    var text: [UInt8] = [], thinking: [UInt8] = [], objects: [UInt8] = [], json: [UInt8] = []
    var parts = 0, settled = 0
    private var halves = HalfPairs(), thinkingHalves = HalfPairs(), jsonHalves = HalfPairs()
    private var objectHalves = HalfPairs()
    var isDone = false

    func begin(_ flow: BodyFlow) {}

    func receive(_ part: borrowing ChatPart) throws(OllamaError) {
        parts += 1
        part.appendText(to: &text, after: &halves)
        part.appendThinkingJSON(to: &thinking, after: &thinkingHalves)
        part.appendContentJSON(to: &json, after: &jsonHalves)
        part.appendObject(to: &objects, after: &objectHalves)
        objects.append(0x0A)
        isDone = part.isDone
    }

    func endRead() -> Bool {
        settled += 1
        return true
    }
}

/// Reads `stream` in pieces that end at `offsets`, each from memory of just its size, so that a sanitizer sees a read
/// behind it.
private func read(_ stream: [UInt8], splitAt offsets: [Int]) -> (Transcript, OllamaError?) {
    let transcript = Transcript()
    let reader = ChatReader(transcript)
    var start = 0
    for end in offsets + [stream.count] where end > start {
        unsafe withCopy(of: stream[start..<end]) { unsafe reader.receive(Span(_unsafeBytes: $0)) }
        if case .stop = reader.endRead() { break }
        start = end
    }
    do throws(OllamaError) {
        try reader.end()
        return (transcript, nil)
    } catch {
        return (transcript, error)
    }
}

/// From the bytes of a streamed reply to its parts.
@Suite struct `Chat reader` {
    /// A stream of everything that Ollama sent in the captures, and of what it may send.
    private static let stream: [UInt8] = {
        let odd = [
            #"{"message":{"role":"assistant","content":"\ud83d\ude00 \u003c\"\\\n é😀"},"done":false}"#,
            #"{"message":{"role":"assistant","content":"","thinking":"hm\u003c"},"done":false}"#,
            #"{"mess\u0061ge":{"content":"by Foundation","thinking":"too"},"done":false}"#, "", "  ",
        ]
        let lines =
            OllamaCaptures.messages.filter { !$0.contains("\"done\":true") } + odd
            + [OllamaCaptures.messages.first { $0.contains("\"done\":true") }!]
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }()

    /// What Foundation reads in it.
    private static let text = stream.split(separator: 0x0A).compactMap { line -> String? in
        unsafe withCopy(of: line) { unsafe ReplyDecoder.decode($0)?.content }
    }.joined()

    @Test func `a stream is read as Foundation reads it, split anywhere`() {
        let (whole, error) = read(Self.stream, splitAt: [])
        #expect(error == nil)
        #expect(whole.text == Array(Self.text.utf8))
        #expect(whole.isDone && whole.settled == 1)
        #expect(String(decoding: whole.thinking, as: UTF8.self) == #"hm\u003ctoo"#)
        for offset in Self.stream.indices {
            let (split, error) = read(Self.stream, splitAt: [offset])
            #expect(error == nil && split.text == whole.text && split.objects == whole.objects, "split at \(offset)")
        }
        let (single, _) = read(Self.stream, splitAt: Array(Self.stream.indices))
        #expect(single.text == whole.text && single.thinking == whole.thinking && single.objects == whole.objects)
    }

    @Test(.seeded) func `random streams split at random are read as Foundation reads them`() {
        var random = SeededRandom(11)
        let end = ContinuousClock.now + .seconds(Int(ProcessInfo.processInfo.environment["FUZZ_SECONDS"] ?? "") ?? 0)
        var rounds = 0
        while rounds < 300 || ContinuousClock.now < end {
            rounds += 1
            let tokens = (0..<Int.random(in: 0...20, using: &random)).map { _ in Self.token(using: &random) }
            let encoder = JSONEncoder()
            let lines = tokens.map {
                #"{"message":{"content":\#(String(decoding: try! encoder.encode($0), as: UTF8.self))},"done":false}"#
            }
            let stream = Array(((lines + [#"{"message":{"content":""},"done":true}"#]).joined(separator: "\n")).utf8)
            let splits = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                Int.random(in: 0..<stream.count, using: &random)
            }
            let (got, error) = read(stream, splitAt: splits.sorted())
            #expect(error == nil)
            #expect(got.text == Array(tokens.joined().utf8), "\(tokens) split at \(splits)")
        }
    }

    @Test(.seeded) func `random changes are read as Foundation reads them, or refused`() {
        var random = SeededRandom(12)
        let end = ContinuousClock.now + .seconds(Int(ProcessInfo.processInfo.environment["FUZZ_SECONDS"] ?? "") ?? 0)
        var (rounds, understood) = (0, 0)
        let start =
            Array(#"{"message":{"content":"a\u0041é\n"},"done":false}"#.utf8) + [0x0A]
            + Array(#"{"message":{"content":"","thinking":"b"},"done":true,"eval_count":1}"#.utf8) + [0x0A]
        while rounds < 3000 || ContinuousClock.now < end {
            rounds += 1
            var stream = start
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                stream[Int.random(in: stream.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let (got, error) = read(stream, splitAt: [Int.random(in: stream.indices, using: &random)])
            guard error == nil else { continue }
            understood += 1
            var text = "", isDone = false
            for line in stream.split(separator: 0x0A) where !isDone {
                // Foundation does not read half a surrogate pair.
                guard let reply = unsafe withCopy(of: line, { unsafe ReplyDecoder.decode($0) }) else { continue }
                text += reply.content ?? ""
                isDone = reply.done
            }
            #expect(got.text == Array(text.utf8), "\(String(decoding: stream, as: UTF8.self))")
        }
        #expect(understood > 100)
    }

    private static func token(using random: inout SeededRandom) -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", " ", "é", "€", "🦊", "\"", "\\", "/", "\n", "\r", "\0", "\u{2028}", "\u{FFFF}",
        ]
        return String(
            String.UnicodeScalarView(
                (0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random)! }))
    }

    @Test(arguments: [
        (#"{"message":{"content":"a"},"done":false}"# + "\n", OllamaError.incomplete), ("", .incomplete),
        ("\n\n", .incomplete),
        ("x\n", .malformedResponse), (#"{"done":true}"# + "\n", .malformedResponse),
        (#"{"message":{"content":"a"},"done":false"# + "\n", .malformedResponse),
        (#"{"error":"no"}"#, .failed(message: "no")), (#"{"error":"no"}"# + "\n", .failed(message: "no")),
        (#"{"message":{"content":"a"},"done":false}"# + "\n" + #"{"err\u006fr":"no"}"# + "\n", .failed(message: "no")),
        (#"{"message":{"content":"a"},"done":tr"#, .malformedResponse),
        (#"{"m\u0065ssage":{"content":"","tool_calls":[{}]},"done":false}"# + "\n", .incomplete),
        (#"{"error":{"message":"context too long","code":400}}"#, .failed(message: "context too long")),
        (#"{"error":"{\"error\":{\"code\":500,\"message\":\"inner\"}}"}"#, .failed(message: "inner")),
        (#"{"error":{"a":[1]}}"#, .failed(message: #"{"a":[1]}"#)), (#"{"error":5}"#, .failed(message: "5")),
    ])
    func `a stream that is no whole answer says why`(stream: String, error: OllamaError) {
        #expect(read(Array(stream.utf8), splitAt: []).1 == error)
    }

    @Test(arguments: [
        ([#"\ud83d"#, #"\ude00"#], "😀"), ([#"a\uD83D"#, #"\uDE00b"#], "a😀b"), ([#"\ud83d"#, "a"], "\u{FFFD}a"),
        ([#"\ud83d"#, #"\ud83d"#, #"\ude00"#], "\u{FFFD}😀"), ([#"\ude00"#, "a"], "\u{FFFD}a"),
        ([#"\ud83d"#], "\u{FFFD}"),
        ([#"\\ud83d"#, #"\ude00"#], #"\ud83d"# + "\u{FFFD}"), ([#"\ud83d"#, "", #"\ude00"#], "😀"),
        ([#"\ufffd"#, "a"], "\u{FFFD}a"), ([#"\ud83d\ude00"#, "a"], "😀a"), ([#"\ud83d"#, #"\n"#], "\u{FFFD}\n"),
    ])
    func `the halves of a pair in two tokens become one character`(tokens: [String], text: String) throws {
        let lines = tokens.map { #"{"message":{"content":"\#($0)"},"done":false}"# }
        let stream = (lines + [#"{"message":{"content":""},"done":true}"#]).joined(separator: "\n")
        let (got, error) = read(Array(stream.utf8), splitAt: [])
        #expect(error == nil)
        #expect(String(decoding: got.text, as: UTF8.self) == text)
        // Foundation reads no half of a pair.
        let json = try JSONDecoder().decode(String.self, from: Data([0x22] + got.json + [0x22]))
        #expect(json == text)
        let contents = try got.objects.split(separator: 0x0A).map { line in
            try JSONDecoder().decode(Line.self, from: Data(line)).message.content
        }
        #expect(contents.count == tokens.count + 1 && contents.joined() == text)
    }

    private struct Line: Decodable {
        struct Message: Decodable { let content: String }
        let message: Message
    }

    @Test func `a line has a limit, and one just below it is read`() {
        let limit = OllamaClient.lineLimit
        func line(_ count: Int) -> [UInt8] {
            let start = Array(#"{"message":{"content":""#.utf8), end = Array(#""},"done":true}"#.utf8)
            return start + [UInt8](repeating: 0x61, count: count - start.count - end.count) + end
        }
        let pieces = Array(stride(from: 60_000, to: limit, by: 60_000))
        #expect(read(line(limit), splitAt: pieces).1 == nil)
        #expect(read(line(limit + 1), splitAt: pieces).1 == .lineTooLong(limit: limit))
    }
}
