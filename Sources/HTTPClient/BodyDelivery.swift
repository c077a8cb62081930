/// The state of a body that is delivered to a sink.
enum BodyDelivery {
    case running(any BodySink)
    /// The delivery is over: the body ended properly (`isWhole`), or the sink wants no more.
    case finished(isWhole: Bool)

    /// The next action of a connection, after it has given its sink the bytes of one read.
    enum Next {
        case finish(isWhole: Bool)
        /// The body's framing breaks this rule.
        case fail(String)
        /// Waits for more: for `atMost`, or for the usual idle time if that is `nil`.
        case wait(atMost: Duration?)
        /// Reads no more until the sink resumes.
        case pause
    }

    /// How long the end of a body may take after everything that the sink needs has come.
    private static let endLimit = Duration.seconds(1)

    /// Decides the next action from `stop`, the state of the body, and `demand`, what the sink wants.
    static func next(after stop: BodyDecoder.Stop, _ demand: BodyDemand) -> Next {
        switch (stop, demand) {
        case (.end, _): .finish(isWhole: true)
        case (.malformed(let rule), _): .fail(rule)
        case (.needMore, .stop): .finish(isWhole: false)
        case (.needMore, .more): .wait(atMost: nil)
        case (.needMore, .end): .wait(atMost: endLimit)
        case (.needMore, .pause): .pause
        }
    }
}
