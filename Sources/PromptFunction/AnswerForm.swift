internal import HTTPServer
internal import Ollama

/// The form in which a client gets its answer, according to its Accept field.
enum AnswerForm: Sendable, Equatable {
    /// Only the text.
    case text
    /// Ollama's JSON objects: one for a whole answer, one per line for a streamed answer.
    case objects
    /// Server-sent events; only for a streamed answer. Source: WHATWG HTML, 9.2.
    case events

    /// The form that the client prefers; text unless it asks for something else.
    init(_ head: borrowing RequestHead) {
        self =
            switch head.preferred(of: [.text, .eventStream, .ndjson, .json]) {
            case .eventStream: .events
            case .ndjson, .json: .objects
            default: .text
            }
    }

    /// Errors are sent as JSON only to clients that asked for JSON or events.
    var errors: ErrorForm { self == .text ? .text : .json }

    /// The form of an answer that is not streamed.
    var whole: WholeForm { self == .objects ? .object : .text }

    /// The Content-Type of a streamed answer.
    var streamType: ContentType {
        switch self {
        case .text: .text
        case .objects: .ndjson
        case .events: .eventStream
        }
    }
}
