internal import EventLoop
internal import HTTPServer

/// What the head of a reply says besides the answer: which model it is from, what the tenant has left, and where the time
/// went.
struct ReplyFields {
    /// Header fields for any reply.
    private let always: [HeaderField]
    let tenant: Tenant?
    /// The name of the model that is asked; `nil`: the reply does not say it.
    var model: String?

    init(always: [HeaderField], tenant: Tenant?) {
        self.always = always
        self.tenant = tenant
    }

    /// Those with a text that is not promptd's own.
    var fields: [HeaderField] {
        guard let model, let field = HeaderField("X-Promptd-Model", model) else { return always }
        return always + [field]
    }

    /// The others, as lines, in a reply that begins now.
    ///
    /// - Parameters:
    ///   - record: of the request; `nil` if nobody reads it.
    ///   - step: see `PromptRecord.putTiming`.
    ///   - hostLines: the fields of a host's response that is passed on.
    /// - Returns: `hostLines`, without what would contradict promptd's own fields, and these.
    func lines(
        _ record: PromptRecord? = nil, at now: LoopInstant, step: @autoclosure () -> StaticString? = nil,
        after hostLines: [UInt8] = []
    ) -> [UInt8] {
        let record = record.flatMap { $0.tellsTiming ? $0 : nil }
        if tenant == nil && record == nil { return hostLines }
        var lines = ASCIIText()
        tenant?.putRateLimit(at: now, to: &lines)
        if let record {
            // The host's own name for the request goes on.
            if hostLines.isEmpty || !Self.hasField("x-request-id:", in: hostLines) { record.putID(to: &lines) }
            record.putTiming(at: now, step: step(), to: &lines)
        }
        if hostLines.isEmpty { return lines.bytes }
        // A client that has limits here could not tell the host's from them.
        let isLimited = tenant?.hasLimits ?? false
        return (isLimited ? Self.leavingOut("ratelimit", of: hostLines) : hostLines) + lines.bytes
    }

    /// Whether a line begins so, in lower case.
    private static func hasField(_ start: String, in lines: [UInt8]) -> Bool {
        lines.split(separator: 0x0A).contains { Self.begins($0, with: start) }
    }

    /// The lines that do not begin so, in lower case.
    private static func leavingOut(_ start: String, of lines: [UInt8]) -> [UInt8] {
        lines.split(separator: 0x0A).reduce(into: []) { rest, line in
            if !Self.begins(line, with: start) { rest += line + [0x0A] }
        }
    }

    private static func begins(_ line: ArraySlice<UInt8>, with start: String) -> Bool {
        String(decoding: line.prefix(start.utf8.count), as: UTF8.self).lowercased() == start
    }
}
