/// What the stand-in has seen.
package struct StandInCounts: Sendable, Equatable, Encodable {
    /// The chat and generate requests that arrived.
    package var requests = 0
    /// The requests that are waiting or being answered.
    package var active = 0
    /// The most requests that were waiting or being answered at once.
    package var maxActive = 0
    /// The requests whose client left before the end.
    package var aborted = 0
    /// The requests for a list of models, of either kind.
    package var listings = 0
    /// The loads that were aborted, because their client left.
    package var abortedLoads = 0
    /// The models that were loaded.
    package var loads = 0
}
