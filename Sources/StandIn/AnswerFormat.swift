import HTTPServer

/// How the answers of one API are written. Belongs to the loop's thread; a format is for one answer.
protocol AnswerFormat: AnyObject {
    /// The Content-Type of a streamed answer.
    var streamType: ContentType { get }
    /// The Content-Type of a whole answer, and of errors.
    var wholeType: ContentType { get }

    /// What comes before the first piece of a stream.
    func opening() -> [UInt8]
    /// One token of a stream.
    func token(_ text: String) -> [UInt8]
    /// One token of thinking.
    func thinking(_ text: String) -> [UInt8]
    /// A tool call.
    func call(_ tool: String) -> [UInt8]
    /// The end of a stream.
    func end(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8]
    /// The end of a stream that fails; empty if it just ends, without its marker.
    func failure(_ message: String) -> [UInt8]
    /// A complete reply.
    func whole(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8]
    /// A complete reply that does not say that it is complete.
    func unfinished(_ text: String) -> [UInt8]
    /// The body of an error.
    func error(_ status: Status, _ message: String) -> [UInt8]
}

extension AnswerFormat {
    func response(_ status: Status, _ message: String) -> Response {
        Response(status, wholeType, body: error(status, message))
    }
}

/// What OpenAI's and Anthropic's formats share: server-sent events.
protocol EventFormat: AnswerFormat {}

extension EventFormat {
    var streamType: ContentType { .eventStream }
    var wholeType: ContentType { ContentType("application/json") }
    // Ollama swallows errors in mid-stream here: the stream ends properly, and without its marker.
    func failure(_ message: String) -> [UInt8] { [] }

    func event(_ name: String? = nil, _ data: String) -> [UInt8] {
        Array(((name.map { "event: \($0)\n" } ?? "") + "data: \(data)\n\n").utf8)
    }

    func quoted(_ text: String) -> String { WireFormat.quoted(text) }
}
