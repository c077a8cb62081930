/// Where a body on its way to a sink stands.
enum BodyDelivery {
    case running(any BodySink)
    /// The body is over for the sink: it ended properly (`isWhole`), or the sink wants no more.
    case finished(isWhole: Bool)

    /// What a connection does after it gave its sink what one read brought.
    enum Next {
        case finish(isWhole: Bool)
        /// The body's framing breaks this rule.
        case fail(String)
        /// Waits for more: as long as between any two reads, or `atMost` so long.
        case wait(atMost: Duration?)
        /// Reads no more until the sink resumes.
        case pause
    }

    /// How long the end of a body may take when all that matters has come.
    private static let endLimit = Duration.seconds(1)

    /// Decides what comes next: `stop` says where the body stands, and `demand` what the sink wants.
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
