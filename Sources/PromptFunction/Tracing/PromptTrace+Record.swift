internal import APIs
internal import EventLoop
internal import HTTPServer
internal import JSON

extension PromptTrace {
    /// What is exported of a prompt that has ended now. Its text is not, and neither is its answer.
    ///
    /// - Parameter firstStep: names the spans of its steps.
    init(
        _ record: PromptRecord, _ trace: TraceContext, _ failure: PromptFailure?, firstStep: UInt64,
        at now: LoopInstant
    ) {
        let clock = WallClock(at: now)
        context = trace
        let model = record.current?.modelText.cut(to: 200)
        name = [record.operation.rawValue, model].compactMap { $0 }.joined(separator: " ")
        error = failure?.kind.rawValue
        self.firstStep = firstStep
        began = clock.nanoseconds(record.began)
        ended = clock.nanoseconds(now)
        asked = record.askedAt.map { clock.nanoseconds($0) }
        connected = record.askedAt.flatMap { asked in record.connecting.map { clock.nanoseconds(asked) + $0 } }
        firstToken = record.firstTokenAt.map { clock.nanoseconds($0) }
        var all: [(key: String, value: Value)] = [
            ("gen_ai.operation.name", .text(record.operation.rawValue)),
            ("promptd.request.id", .text(record.id)), ("client.address", .text(record.client ?? "")),
            ("promptd.attempts", .number(record.attempts)),
        ]
        if let model = record.prompt?.modelText.cut(to: 200) { all.append(("gen_ai.request.model", .text(model))) }
        if failure == nil, let model { all.append(("gen_ai.response.model", .text(model))) }
        if let input = record.usage.input { all.append(("gen_ai.usage.input_tokens", .number(input))) }
        if let output = record.usage.output { all.append(("gen_ai.usage.output_tokens", .number(output))) }
        if let tenant = record.tenant { all.append(("promptd.tenant", .text(tenant.name))) }
        if let failure {
            all.append(("error.type", .text(failure.kind.rawValue)))
            if !failure.isCancelled { all.append(("http.response.status_code", .number(failure.status.code))) }
        }
        attributes = all
        var asking: [(key: String, value: Value)] = []
        if let backend = record.backend {
            asking = [
                ("gen_ai.provider.name", .text(backend.provider.rawValue)), ("url.full", .text(backend.url)),
                ("gen_ai.operation.name", .text(record.operation.rawValue)),
            ]
            if let model { asking.append(("gen_ai.request.model", .text(model))) }
        }
        askingAttributes = asking
    }
}
