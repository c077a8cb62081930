import EventLoop
import TestSupport
import Testing

@testable import promptd

/// How the load generator reads answers.
@Suite struct `A load run's answers` {
    /// The events of `stream`, given in `pieces`, as `name=data`.
    private static func events(_ pieces: [ArraySlice<UInt8>]) -> [String] {
        var reader = EventReader(), events: [String] = []
        for piece in pieces {
            let isWell = unsafe withCopy(of: piece) { bytes in
                unsafe reader.read(bytes) { events.append(unsafe "\($0)=\(String(decoding: $1, as: UTF8.self))") }
            }
            if !isWell { events.append("too long") }
        }
        return events
    }

    static let streams: [(stream: String, events: [String])] = [
        ("data: a\n\n", ["=a"]),
        ("data:a\n\ndata: b\n\n", ["=a", "=b"]),
        ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", ["=a", "=b", "=c"]),
        (": hello\n\nevent: done\ndata: {\"x\":1}\n\n", ["done={\"x\":1}"]),
        ("data: a\ndata:  b\ndata\ndata:\n\n", ["=a\n b\n\n"]),
        ("event: error\n\ndata: a\n\n", ["=a"]),
        ("id: 7\nretry: 10\ndatabase: x\ndat: y\ndata: ü\n: end\n\n", ["=ü"]),
        ("data: a\n\ndata: unfinished\n", ["=a"]),
        ("event: done\ndata: 1\nevent: last\n\ndata: 2\n\n", ["last=1", "=2"]),
    ]

    @Test(arguments: streams.indices)
    func `events are found however the stream is split`(index: Int) {
        let (stream, events) = Self.streams[index]
        let bytes = Array(stream.utf8)
        #expect(Self.events([bytes[...]]) == events)
        #expect(Self.events(bytes.indices.map { bytes[$0...$0] }) == events)
        for middle in bytes.indices {
            #expect(Self.events([bytes[..<middle], bytes[middle...]]) == events, "split at \(middle)")
        }
    }

    @Test func `a line without end ends the reading`() {
        let bytes = [UInt8](repeating: 0x61, count: EventReader.limit + 1)
        #expect(Self.events([bytes[...]]) == ["too long"])
    }

    /// What a reader makes of a body, given in `pieces`.
    private static func outcome(
        _ form: AnswerReader.Form, _ pieces: [ArraySlice<UInt8>], status: Int = 200, expected: String? = nil
    ) -> (tokens: Int, failure: LoadFailure?, example: String) {
        var reader = AnswerReader(form, status: status, expected: expected.map { Array($0.utf8) })
        var tokens = 0
        for piece in pieces { reader.take(piece.span) { tokens += 1 } }
        let failure = reader.end()
        #expect(tokens == reader.tokens)
        return (tokens, failure, reader.example)
    }

    private static func outcome(
        _ form: AnswerReader.Form, _ body: String, status: Int = 200, expected: String? = nil
    ) -> (tokens: Int, failure: LoadFailure?, example: String) {
        outcome(form, [Array(body.utf8)[...]], status: status, expected: expected)
    }

    static let token = "data: {\"content\":\"on\"}\n\n"
    static let done = "event: done\ndata: {\"done_reason\":\"stop\",\"eval_count\":2}\n\n"

    @Test func `a stream that ends with its event is whole, wherever it is split`() {
        let body = Array((": hi\n\n" + Self.token + "data: {\"content\":\"e\\n\"}\n\n" + Self.done).utf8)
        for middle in body.indices {
            let outcome = Self.outcome(.events, [body[..<middle], body[middle...]], expected: "one\n")
            #expect(outcome.tokens == 2)
            #expect(outcome.failure == nil)
        }
    }

    typealias Body = (
        form: AnswerReader.Form, body: String, status: Int, tokens: Int, failure: LoadFailure?, example: String
    )

    static let bodies: [Body] = [
        (.events, token + token, 200, 2, .cut, "the stream ended without the event that says it is done"),
        (.events, "", 200, 0, .cut, "the stream ended without the event that says it is done"),
        (
            .events, token + "event: error\ndata: {\"error\":\"no \\\"x\\\"\"}\n\n", 200, 1, .answerFailed,
            "no \\\"x\\\""
        ),
        (.events, "data: [1]\n\n" + done, 200, 0, .answerFailed, "no content in an event"),
        (.events, "data: {\"content\":1}\n\n" + done, 200, 0, .answerFailed, "no content in an event"),
        (.events, "data: {\"content\":\"\"}\n\n" + done, 200, 0, nil, ""),
        (.events, "event: news\ndata: x\n\n" + done, 200, 0, nil, ""),
        (.whole, "eggs", 200, 0, nil, ""),
        (.whole, "busy\n", 503, 0, .status(503), "busy\n"),
        (.events, "data: x\n\n", 404, 0, .status(404), "data: x\n\n"),
        (.whole, "", 502, 0, .bareStatus(502), ""),
        (.text, "eggs", 200, 1, nil, ""),
    ]

    @Test(arguments: bodies.indices)
    func `each end of an answer has its name`(index: Int) {
        let body = Self.bodies[index]
        let outcome = Self.outcome(body.form, body.body, status: body.status)
        #expect(outcome.tokens == body.tokens)
        #expect(outcome.failure == body.failure)
        #expect(outcome.example == body.example)
    }

    @Test func `an answer must contain what is expected`() {
        #expect(Self.outcome(.whole, "You asked: number 12.", expected: "number 12.").failure == nil)
        let wrong = Self.outcome(.whole, "You asked: number 12.", expected: "number 1.")
        #expect(wrong.failure == .unexpected && wrong.example == "You asked: number 12.")
        #expect(Self.outcome(.whole, "anything", expected: "").failure == nil)
        #expect(Self.outcome(.events, Self.token + Self.done, expected: "one").failure == .unexpected)
    }

    @Test func `a long error is kept in part`() {
        let pieces = (0..<10).map { _ in Array(String(repeating: "x", count: 90).utf8)[...] }
        #expect(Self.outcome(.whole, pieces, status: 500).example.utf8.count == 200)
    }

    @Test func `tokens of one turn have no time between them`() throws {
        let measured = Measurements()
        func at(_ milliseconds: Int64) -> LoopInstant { LoopInstant(nanoseconds: milliseconds * 1_000_000) }
        var clock = TokenClock(due: at(100))
        for (turn, now) in [(110, 111), (110, 112), (110, 113), (150, 151)] as [(Int64, Int64)] {
            clock.tick(at(turn), measured, now: { at(now) })
        }
        #expect(measured.tokens == 4)
        let first = try #require(LoadReport.Times(measured.firstToken))
        #expect(first.count == 1 && first.max.rounded() == 11)
        let gaps = try #require(LoadReport.Times(measured.tokenGap))
        #expect(gaps.count == 3 && gaps.p50 == 0 && gaps.max.rounded() == 40)
    }
}
