internal import JSON

/// What is exported of one prompt: a span for all of it, and spans for its steps. Usable on any thread.
///
/// Source: OpenTelemetry, "Semantic conventions for generative client AI spans"; opentelemetry-proto, trace.proto.
struct PromptTrace: Sendable {
    enum Value: Sendable {
        case text(String)
        case number(Int)
    }

    let context: TraceContext
    /// `chat llama3.2:1b`
    let name: String
    let attributes: [(key: String, value: Value)]
    /// Those of the span for a backend.
    let askingAttributes: [(key: String, value: Value)]
    /// The kind of error; `nil` if the prompt was answered.
    let error: String?
    /// The number of the spans of steps; those that follow have the next ones.
    let firstStep: UInt64

    /// Nanoseconds since 1970.
    let began, ended: Int64
    let asked, connected, firstToken: Int64?

    /// Writes the spans, separated by commas.
    func put(to json: inout JSONWriter) {
        put(name, 2, context.span, under: context.parent, began, ended, attributes, error: error, to: &json)
        step("queue", 0, under: context.span, began, asked ?? ended, to: &json)
        guard let asked else { return }
        json.put(",")
        put(name, 3, context.asking, under: context.span, asked, ended, askingAttributes, error: error, to: &json)
        if let connected { step("connect", 1, under: context.asking, asked, connected, to: &json) }
        let sent = connected ?? asked
        step("first token", 2, under: context.asking, sent, firstToken ?? ended, to: &json)
        if let firstToken { step("answer", 3, under: context.asking, firstToken, ended, to: &json) }
    }

    private func step(
        _ name: String, _ index: UInt64, under parent: UInt64, _ start: Int64, _ end: Int64, to json: inout JSONWriter
    ) {
        json.put(",")
        put(name, 1, (firstStep &+ index) | 1 << 63, under: parent, start, end, [], error: nil, to: &json)
    }

    /// - Parameter kind: 1 is internal, 2 a server's, 3 a client's.
    private func put(
        _ name: String, _ kind: Int, _ span: UInt64, under parent: UInt64?, _ start: Int64, _ end: Int64,
        _ attributes: [(key: String, value: Value)], error: String?, to json: inout JSONWriter
    ) {
        json.put("{\"traceId\":\"")
        json.put(hexadecimal: context.trace.high)
        json.put(hexadecimal: context.trace.low)
        json.put("\",\"spanId\":\"")
        json.put(hexadecimal: span)
        if let parent {
            json.put("\",\"parentSpanId\":\"")
            json.put(hexadecimal: parent)
        }
        json.put("\"")
        if let state = context.state {
            json.put(",\"traceState\":")
            json.put(quoted: state)
        }
        json.put(",\"name\":")
        json.put(quoted: name)
        json.put(",\"kind\":")
        json.put(kind)
        json.put(",\"startTimeUnixNano\":\"")
        json.put(Int(start))
        json.put("\",\"endTimeUnixNano\":\"")
        json.put(Int(max(start, end)))
        json.put("\",\"flags\":1,\"attributes\":[")
        for (index, attribute) in attributes.enumerated() {
            if index > 0 { json.put(",") }
            Self.put(attribute.key, attribute.value, to: &json)
        }
        json.put("]")
        if let error {
            json.put(",\"status\":{\"code\":2,\"message\":")
            json.put(quoted: error)
            json.put("}")
        }
        json.put("}")
    }

    static func put(_ key: String, _ value: Value, to json: inout JSONWriter) {
        json.put("{\"key\":")
        json.put(quoted: key)
        json.put(",\"value\":{")
        switch value {
        case .text(let text):
            json.put("\"stringValue\":")
            json.put(quoted: text)
        case .number(let number):
            json.put("\"intValue\":\"")
            json.put(number)
            json.put("\"")
        }
        json.put("}}")
    }
}
