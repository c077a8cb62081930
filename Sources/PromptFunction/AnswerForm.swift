internal import HTTPServer
internal import Ollama

/// How a client gets its answer: by its Accept field.
enum AnswerForm: Sendable, Equatable {
    /// The text alone.
    case text
    /// Ollama's objects: one for a whole answer, one a line for a streamed one.
    case objects
    /// Server-sent events; for a streamed answer only. Source: WHATWG HTML, 9.2.
    case events

    /// What the client prefers; text unless it asks for something else.
    init(_ request: Request) {
        self =
            switch request.preferred(of: [.text, .eventStream, .ndjson, .json]) {
            case .eventStream: .events
            case .ndjson, .json: .objects
            default: .text
            }
    }

    /// Whether an error is told as JSON: by whoever reads JSON anyway.
    var tellsErrorsAsJSON: Bool { self != .text }

    /// The same for an answer that is not streamed.
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
