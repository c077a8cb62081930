internal import HTTPClient

/// The timeouts that a client sets. They lower the server's limits, and never raise them.
struct PromptTimeouts: Sendable, Equatable {
    /// How long Ollama may take to accept a connection.
    var connect: Duration?
    /// The time until the first token; loading the model counts.
    var firstToken: Duration?
    /// The time between two tokens.
    var idle: Duration?
    /// The time for the whole answer.
    var total: Duration?
    /// The time in the queue of prompts.
    var queue: Duration?
    /// How long the client may accept none of the data sent to it.
    var write: Duration?

    /// Returns the timeout that a name in the request's `timeout` stands for.
    static func path(_ name: String) -> WritableKeyPath<Self, Duration?>? {
        switch name {
        case "connect": \.connect
        case "first_token": \.firstToken
        case "idle": \.idle
        case "total": \.total
        case "queue": \.queue
        case "write": \.write
        default: nil
        }
    }

    /// Reads a number of seconds, or a quoted number with `ms`, `s`, `m` or `h`; `nil` if it is not above zero.
    static func duration(_ json: String) -> Duration? {
        let isQuoted = json.count >= 2 && json.hasPrefix("\"") && json.hasSuffix("\"")
        let duration = isQuoted ? DurationText.parse(json.dropFirst().dropLast()) : DurationText.seconds(Double(json))
        return duration.flatMap { $0 > .zero ? $0 : nil }
    }

    /// Returns the lower of the server's limit, where 0 means no limit, and the client's timeout.
    static func lower(_ allowed: Duration, _ wanted: Duration?) -> Duration {
        guard let wanted else { return allowed }
        return allowed > .zero ? min(allowed, wanted) : wanted
    }

    /// Returns the deadlines for requests to Ollama; `nil` if the client does not lower the server's.
    func deadlines(within allowed: Deadlines) -> Deadlines? {
        guard connect != nil || firstToken != nil || idle != nil || total != nil else { return nil }
        var deadlines = allowed
        deadlines.connect = Self.lower(allowed.connect, connect)
        deadlines.firstByte = Self.lower(allowed.firstByte, firstToken)
        deadlines.idle = Self.lower(allowed.idle, idle)
        deadlines.total = Self.lower(allowed.total, total)
        return deadlines
    }
}
