import EventLoop
import Foundation
import Testing

@testable import promptd

/// What the load generator prints.
@Suite struct `A load run's report` {
    private static func report(
        _ form: AnswerReader.Form = .whole, cores: Double = 0.5, _ fill: (Measurements) -> Void
    ) throws -> LoadReport {
        let plan = LoadPlan(
            try ServerURL("http://127.0.0.1:8080/a?b=c", how: ""), connections: 8, schedule: Schedule(), form: form,
            timeout: .seconds(1), prompt: "", model: nil, expected: nil, fields: [])
        let measured = Measurements()
        measured.start = LoopInstant(nanoseconds: 1_000_000_000)
        measured.end = LoopInstant(nanoseconds: 5_000_000_000)
        measured.ownSeconds = cores * 4
        fill(measured)
        return LoadReport(plan, measured, connectionsOpened: 9, resent: 1)
    }

    @Test func `percentiles are those of the times`() throws {
        var times = Measurements.times()
        for milliseconds in 1...1000 { times.record(.milliseconds(milliseconds)) }
        let found = try #require(LoadReport.Times(times))
        func isNear(_ value: Double, _ wanted: Double) -> Bool { abs(value - wanted) <= wanted / 1000 }
        #expect(found.count == 1000)
        for (value, wanted) in [
            (found.min, 1), (found.p50, 500), (found.p75, 750), (found.p90, 900), (found.p95, 950), (found.p99, 990),
            (found.p999, 999), (found.p9999, 1000), (found.max, 1000), (found.mean, 500.5),
        ] as [(Double, Double)] {
            #expect(isNear(value, wanted), "\(value) for \(wanted)")
        }
        #expect(LoadReport.Times(Measurements.times()) == nil)
    }

    @Test func `times of hours and of nothing are kept`() throws {
        var times = Measurements.times()
        times.record(.zero)
        times.record(.seconds(-1))
        times.record(.seconds(100_000))
        let found = try #require(LoadReport.Times(times))
        #expect(found.count == 3 && found.min == 0 && abs(found.max - 1e8) < 1e5)
    }

    @Test func `the text tells everything, errors by kind, the most frequent first`() throws {
        let report = try Self.report(.events, cores: 0.95) { measured in
            (measured.requests, measured.answered, measured.givenUp, measured.tokens) = (10, 4, 1, 400)
            measured.answer.record(.milliseconds(250))
            measured.fail(.timeout)
            for example in ["busy\r\n\u{1B}[2Jnow", "other"] { measured.fail(.status(503), example: example) }
            for _ in 0..<2 { measured.fail(.unreachable(errno: ECONNREFUSED)) }
        }
        let row = "  whole answer           250       250       250       250       250       250       250"
        #expect(
            report.text == """
                http://127.0.0.1:8080/a?b=c: 10 requests in 4.000 s on 8 connections
                  answered  4, 1.000 requests/s
                  tokens    400, 100 tokens/s
                  opened    9 connections: some were closed
                  resent    1, because a reused connection was closed
                  given up  1, because the run was ended
                  milliseconds           p50       p75       p90       p99     p99.9       max      mean
                \(row)
                  errors    5
                           2  connecting failed: Connection refused
                           2  status 503: busy [2Jnow
                           1  timed out
                  note: the load tool used 0.95 cores: it may have limited the result.
                """)
    }

    @Test func `the JSON has the same`() throws {
        let report = try Self.report { measured in
            (measured.requests, measured.answered) = (3, 2)
            for milliseconds in [10, 30] { measured.answer.record(.milliseconds(milliseconds)) }
            measured.fail(.cut)
        }
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
        #expect(json["requests"] as? Int == 3)
        #expect(json["answered"] as? Int == 2)
        #expect(json["requestsPerSecond"] as? Double == 0.5)
        #expect(json["tokens"] == nil)
        let times = try #require(json["answerMilliseconds"] as? [String: Double])
        #expect(times["count"] == 2 && times["max"].map { abs($0 - 30) < 0.1 } == true)
        let failures = try #require(json["failures"] as? [[String: Any]])
        #expect(failures.count == 1 && failures[0]["kind"] as? String == "cut within the reply")
        #expect(!report.json.contains("\n"))
    }

    @Test(
        arguments: [
            (0, "0"),
            (0.0004, "0.000"), (1.2344, "1.234"),
            (9.9996, "10.000"), (12.34, "12.3"), (99.96, "100.0"), (1234.6, "1235"),
        ] as [(Double, String)])
    func `numbers have as many digits as matter`(value: Double, text: String) {
        #expect(LoadReport.number(value) == text)
    }
}
