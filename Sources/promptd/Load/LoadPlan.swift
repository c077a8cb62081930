import JSON
import HTTPClient

/// The plan of a load run.
struct LoadPlan: Sendable {
    let server: ServerURL
    var connections: Int
    var schedule: Schedule
    var form: AnswerReader.Form
    /// The timeout of one request, from sending it to the end of its answer.
    var timeout: Duration
    /// A request's body.
    let body: NumberedText
    /// Text that the answer must contain; `nil` for anything.
    let expected: NumberedText?
    private let fields: [(String, String)]

    /// - Parameters:
    ///   - prompt: what to ask. In it, in `model` and in `expected`, `{n}` stands for the request's number.
    ///   - model: the model; `nil` for the server's.
    ///   - fields: additional header fields.
    init(
        _ server: ServerURL, connections: Int, schedule: Schedule, form: AnswerReader.Form, timeout: Duration,
        prompt: String, model: String?, expected: String?, fields: [(String, String)]
    ) {
        self.server = server
        // A connection that could not send any request is not opened.
        self.connections = min(connections, schedule.count ?? connections)
        self.schedule = schedule
        self.form = form
        self.timeout = timeout
        body = NumberedText(Self.json(prompt, model: model, isStream: form != .whole))
        self.expected = expected.map { NumberedText($0.utf8) }
        self.fields = fields
    }

    private static func json(_ prompt: String, model: String?, isStream: Bool) -> [UInt8] {
        var json = JSONWriter()
        json.put("{\"prompt\":")
        json.put(quoted: prompt)
        if let model {
            json.put(",\"model\":")
            json.put(quoted: model)
        }
        if isStream { json.put(",\"stream\":true") }
        json.put("}")
        return json.bytes
    }

    /// The head of every request.
    var head: RequestTemplate {
        let accept = form == .events ? "text/event-stream" : "text/plain"
        let target = (server.path.isEmpty ? "/" : server.path) + server.query
        return RequestTemplate(
            "POST", path: target, host: server.authority,
            fields: [("Content-Type", "application/json"), ("Accept", accept)] + fields)
    }

    var deadlines: Deadlines {
        var deadlines = Deadlines()
        deadlines.connect = timeout > .zero ? min(deadlines.connect, timeout) : deadlines.connect
        deadlines.firstByte = .zero
        deadlines.idle = .zero
        deadlines.total = timeout
        deadlines.keepAlive = .zero
        return deadlines
    }

    /// The most files that are open at once: one per connection, the loop's own, the standard ones and some to spare.
    var files: Int { connections + 32 }
}
