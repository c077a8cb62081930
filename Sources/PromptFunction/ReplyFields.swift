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
    ///   - hasID: whether the reply names the request already.
    func lines(
        _ record: PromptRecord? = nil, at now: LoopInstant, step: @autoclosure () -> StaticString? = nil,
        hasID: Bool = false
    ) -> [UInt8] {
        let record = record.flatMap { $0.tellsTiming ? $0 : nil }
        if tenant == nil && record == nil { return [] }
        var lines = ASCIIText()
        tenant?.putRateLimit(to: &lines)
        if let record {
            if !hasID { record.putID(to: &lines) }
            record.putTiming(at: now, step: step(), to: &lines)
        }
        return lines.bytes
    }
}
