internal import HTTPClient

/// What a client will wait for at most. It lowers what the server allows, and never raises it.
struct PromptTimeouts: Sendable, Equatable {
    /// For Ollama to take a connection.
    var connect: Duration?
    /// Until the first token; loading the model counts.
    var firstToken: Duration?
    /// Between two tokens.
    var idle: Duration?
    /// For the whole answer.
    var total: Duration?
    /// In the queue of prompts.
    var queue: Duration?
    /// That the client may take nothing of what is sent.
    var write: Duration?

    /// What a name in the request's `timeout` stands for.
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

    /// Reads a number of seconds, or a quoted number with `ms`, `s`, `m` or `h`; `nil` unless it is above zero.
    static func duration(_ json: String) -> Duration? {
        let isQuoted = json.count >= 2 && json.hasPrefix("\"") && json.hasSuffix("\"")
        let duration = isQuoted ? DurationText.parse(json.dropFirst().dropLast()) : DurationText.seconds(Double(json))
        return duration.flatMap { $0 > .zero ? $0 : nil }
    }

    /// The lower one of what the server allows, 0 being no limit, and what the client wants.
    static func lower(_ allowed: Duration, _ wanted: Duration?) -> Duration {
        guard let wanted else { return allowed }
        return allowed > .zero ? min(allowed, wanted) : wanted
    }

    /// The deadlines towards Ollama. `nil` when the server's are not lowered.
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
