/// How the stand-in behaves. Durations of zero mean at once.
package struct StandInSettings: Sendable {
    /// That the first request for a model takes to load it.
    package var loadTime = Duration.zero
    /// From a request's turn to its first token.
    package var firstToken = Duration.zero
    /// Between two tokens.
    package var tokenInterval = Duration.zero
    /// Tokens of an answer; 0 for as many as the answer has words.
    package var tokens = 0
    /// Requests that are answered at the same time, as `OLLAMA_NUM_PARALLEL`; 0 for any number.
    package var parallel = 0
    /// Requests that may wait for a model to load, as `OLLAMA_MAX_QUEUE`.
    package var queue = 512
    /// Models that are there. Empty: any model is.
    package var models: [String] = []

    package init() {}
}

/// What the stand-in has seen.
package struct StandInCounts: Sendable, Equatable, Encodable {
    /// Chats and generations that came.
    package var requests = 0
    /// Those that are waiting or being answered.
    package var active = 0
    /// The most that were at once.
    package var maxActive = 0
    /// Those whose client left before the end.
    package var aborted = 0
    /// Listings of models that were asked for, of either kind.
    package var listings = 0
    /// Models that were loaded.
    package var loads = 0
}
