/// How the stand-in behaves. Durations of zero mean at once.
public struct StandInSettings: Sendable {
    /// That the first request for a model takes to load it.
    public var loadTime = Duration.zero
    /// From a request's turn to its first token.
    public var firstToken = Duration.zero
    /// Between two tokens.
    public var tokenInterval = Duration.zero
    /// Tokens of an answer; 0 for as many as the answer has words.
    public var tokens = 0
    /// Requests that are answered at the same time, as `OLLAMA_NUM_PARALLEL`; 0 for any number.
    public var parallel = 0
    /// Requests that may wait for a model to load, as `OLLAMA_MAX_QUEUE`.
    public var queue = 512
    /// Models that are there. Empty: any model is.
    public var models: [String] = []

    public init() {}
}

/// What the stand-in has seen.
public struct StandInCounts: Sendable, Equatable, Encodable {
    /// Chats and generations that came.
    public var requests = 0
    /// Those that are waiting or being answered.
    public var active = 0
    /// The most that were at once.
    public var maxActive = 0
    /// Those whose client left before the end.
    public var aborted = 0
    /// Listings of models that were asked for, of either kind.
    public var listings = 0
    /// Models that were loaded.
    public var loads = 0
}
