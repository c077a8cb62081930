internal import Glibc
internal import HTTPClient
internal import Ollama

extension CircuitBreaker {
    /// What a host can be blamed for.
    enum Failure: Equatable, Sendable {
        /// Nobody listens there: the next connection will not fare better.
        case refused
        /// It cannot be reached, or its connection broke.
        case connection
        /// It replied that it failed, or with something that makes no sense.
        case server
        /// A deadline passed.
        case deadline

        /// `nil` for what says nothing about the host's health: the client left or its request was wrong, the model is
        /// unknown, the queue is full, or the model repeated itself.
        init?(_ error: OllamaError) {
            switch error {
            case .transport(.unreachable(errno: ECONNREFUSED)): self = .refused
            case .transport(.unresolved), .transport(.unreachable), .transport(.closed): self = .connection
            case .transport(.timeout(.connect)): self = .connection
            case .transport(.timeout): self = .deadline
            case .transport(.malformed), .garbled, .failed: self = .server
            case .refused(let status, _, _) where status >= 500 && status != 503: self = .server
            case .transport(.tooLarge), .transport(.cancelled), .refused, .incomplete: return nil
            }
        }
    }
}
