/// The stand-in's behavior. A duration of zero means no delay.
package struct StandInSettings: Sendable {
    /// The time to load a model, at its first request.
    package var loadTime = Duration.zero
    /// Whether the load of a model is aborted when the request that began it ends, as Ollama does it. Others that wait
    /// begin it again.
    package var abortsLoads = false
    /// The time from when a request may run to its first token.
    package var firstToken = Duration.zero
    /// The time between two tokens.
    package var tokenInterval = Duration.zero
    /// The tokens of an answer; 0 for as many as the answer has words.
    package var tokens = 0
    /// The most requests that are answered at once, like `OLLAMA_NUM_PARALLEL`; 0 for any number.
    package var parallel = 0
    /// The most requests that may wait for a model to load, like `OLLAMA_MAX_QUEUE`.
    package var queue = 512
    /// The models that exist. Empty: every model exists.
    package var models: [String] = []

    package init() {}
}
