internal import Glibc
internal import HTTPClient
internal import Ollama

extension CircuitBreaker {
    /// What a host can be blamed for.
    enum Failure: Equatable, Sendable {
        /// Nobody listens there: the next connection will not fare better.
        case refused
        /// It takes no connection.
        case connection
        /// It replied that it failed.
        case server
        /// A deadline passed.
        case deadline

        /// `nil` for what says too little about the host: the client left or its request was wrong, the model is
        /// unknown or repeated itself, the queue is full, or one answer broke off. The next prompt may well be
        /// answered.
        init?(_ error: OllamaError) {
            switch error {
            case .transport(.unreachable(errno: ECONNREFUSED)): self = .refused
            case .transport(.unresolved), .transport(.unreachable), .transport(.timeout(.connect)): self = .connection
            case .transport(.timeout): self = .deadline
            // Ollama answers 500 here, though it is the client's mistake.
            case .refused(_, let message, _) where message.hasPrefix("option \""): return nil
            case .refused(let status, _, _) where status >= 500 && status != 503: self = .server
            default: return nil
            }
        }
    }
}
