@testable import PromptFunction
import TestSupport
import Testing

/// The fields in which a trace goes on.
@Suite struct `Trace context` {
    static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    private static func numbers() -> () -> UInt64 {
        var number: UInt64 = 100
        return {
            number += 2
            return number
        }
    }

    private static func parsed(_ field: String, _ state: String? = nil) -> TraceContext? {
        TraceContext(parentField: field, stateField: state, numbers())
    }

    @Test func `goes on with a client's trace`() throws {
        let context = try #require(Self.parsed("00-\(Self.trace)-00f067aa0ba902b7-01", "a=1,b=2"))
        #expect(context.traceText == Self.trace && context.parent == 0x00f0_67aa_0ba9_02b7 && context.isSampled)
        #expect((context.span, context.asking) == (103, 105))
        #expect(
            String(decoding: context.lines, as: UTF8.self)
                == "traceparent: 00-\(Self.trace)-0000000000000069-01\r\ntracestate: a=1,b=2\r\n")
        let other = try #require(Self.parsed("00-\(Self.trace)-00f067aa0ba902b7-00"))
        #expect(!other.isSampled && other.state == nil)
        #expect(String(decoding: other.lines, as: UTF8.self).hasSuffix("-00\r\n"))
    }

    @Test(arguments: [
        "01-\(trace)-00f067aa0ba902b7-01", "cc-\(trace)-00f067aa0ba902b7-01-more", "00-\(trace)-00f067aa0ba902b7-ff",
    ])
    func `takes later versions and flags`(field: String) {
        #expect(Self.parsed(field)?.isSampled == true)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-00f067aa0ba902b7", "00-\(trace)-00f067aa0ba902b7-01-more",
        "ff-\(trace)-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-\(trace)-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00_\(trace)-00f067aa0ba902b7-01",
        "00-\(trace)-00f067aa0ba902bg-01", "cc-\(trace)-00f067aa0ba902b7-01more", " 00-\(trace)-00f067aa0ba902b7-01",
    ])
    func `begins anew after what names no trace`(field: String) {
        #expect(Self.parsed(field) == nil)
    }

    @Test func `drops a state that is too long`() {
        #expect(Self.parsed("00-\(Self.trace)-00f067aa0ba902b7-01", String(repeating: "a", count: 513))?.state == nil)
        #expect(Self.parsed("00-\(Self.trace)-00f067aa0ba902b7-01", "")?.state == nil)
    }

    @Test(.seeded, arguments: [0, 0.25, 1]) func `records its share of new traces`(ratio: Double) {
        var random = SeededRandom(7)
        let sampled = (0..<10_000).count { _ in
            TraceContext(sampling: ratio) { random.next() }.isSampled
        }
        #expect(abs(Double(sampled) - ratio * 10_000) < 200)
    }
}
