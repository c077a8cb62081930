/// A prompt's place in a trace. Source: W3C, Trace Context.
struct TraceContext: Sendable, Equatable {
    /// The trace's number: 128 bits.
    let trace: (high: UInt64, low: UInt64)
    /// The client's span; `nil` if the trace begins here.
    let parent: UInt64?
    /// The span of the prompt.
    let span: UInt64
    /// The span of what a backend does for it, to which the backend's own spans belong.
    let asking: UInt64
    /// Whether spans are recorded.
    let isSampled: Bool
    /// What other tracing systems add, as the client sent it.
    let state: String?

    /// The fields in which a trace goes on.
    static let fields: [StaticString] = ["traceparent", "tracestate"]
    /// What a `tracestate` may have at most. Source: Trace Context, 3.3.1.5.
    private static let mostStateBytes = 512

    static func == (left: Self, right: Self) -> Bool {
        left.trace == right.trace && left.parent == right.parent && left.span == right.span
            && left.asking == right.asking && left.isSampled == right.isSampled && left.state == right.state
    }

    /// Goes on with the client's trace.
    ///
    /// - Parameters:
    ///   - next: returns another number each time.
    ///   - parentField: the request's `traceparent`.
    ///   - stateField: its `tracestate`.
    /// - Returns: `nil` if the field does not name a trace: then one begins.
    init?(parentField: String, stateField: String?, _ next: () -> UInt64) {
        let text = Array(parentField.utf8)
        let version = Self.number(text.prefix(2))
        // A later version may have more behind another dash. Source: Trace Context, 3.2.4.
        guard text.count >= 55, let version, version != 0xFF,
            version > 0 ? text.count == 55 || text[55] == 0x2D : text.count == 55,
            text[2] == 0x2D, text[35] == 0x2D, text[52] == 0x2D,
            let high = Self.number(text[3..<19]), let low = Self.number(text[19..<35]), high | low != 0,
            let parent = Self.number(text[36..<52]), parent != 0, let flags = Self.number(text[53..<55])
        else { return nil }
        let state = stateField.flatMap { $0.utf8.count <= Self.mostStateBytes && !$0.isEmpty ? $0 : nil }
        self.init(trace: (high, low), parent: parent, isSampled: flags & 1 == 1, state: state, next)
    }

    /// Begins a trace, of which a share of `ratio` is recorded. Source: OpenTelemetry, TraceIdRatioBased.
    init(sampling ratio: Double, _ next: () -> UInt64) {
        let trace = (high: next(), low: next() | 1)
        let isSampled = Double(trace.low >> 11) < ratio * 0x1p53
        self.init(trace: trace, parent: nil, isSampled: isSampled, state: nil, next)
    }

    private init(
        trace: (high: UInt64, low: UInt64), parent: UInt64?, isSampled: Bool, state: String?, _ next: () -> UInt64
    ) {
        self.trace = trace
        self.parent = parent
        self.isSampled = isSampled
        self.state = state
        span = next() | 1  // never 0, which would name no span
        asking = next() | 1
    }

    /// Lower-case hexadecimal digits, as the field must have them.
    private static func number(_ digits: some Collection<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - 0x57)
            default: return nil
            }
        }
        return number
    }

    /// As 32 hexadecimal digits.
    var traceText: String { RequestIDs.text(trace.high) + RequestIDs.text(trace.low) }

    /// The fields of a request to a backend, each with its CRLF.
    var lines: [UInt8] {
        var text = ASCIIText()
        text.put("traceparent: 00-")
        text.put(hexadecimal: trace.high)
        text.put(hexadecimal: trace.low)
        text.put("-")
        text.put(hexadecimal: asking)
        text.put(isSampled ? "-01\r\n" : "-00\r\n")
        guard let state else { return text.bytes }
        return text.bytes + Array("tracestate: \(state)\r\n".utf8)
    }
}
