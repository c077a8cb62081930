internal import Glibc
internal import HTTPClient
internal import Ollama

extension CircuitBreaker {
    /// A failure that the host is to blame for.
    enum Failure: Equatable, Sendable {
        /// No process listens at the address: the next connection will fail too.
        case refused
        /// The host accepts no connection.
        case connection
        /// The host replied that it failed.
        case server
        /// A deadline passed.
        case deadline

        /// `nil` for errors that say too little about the host: the client left or sent a wrong request, the model is
        /// unknown or repeated itself, the queue is full, or one reply broke off. The next prompt may well succeed.
        init?(_ error: OllamaError) {
            switch error {
            case .transport(.unreachable(errno: ECONNREFUSED)): self = .refused
            case .transport(.unresolved), .transport(.unreachable), .transport(.timeout(.connect)): self = .connection
            case .transport(.timeout): self = .deadline
            // Ollama replies with status 500 here, although the client made the mistake.
            case .refused(_, let message, _) where message.hasPrefix("option \""): return nil
            case .refused(let status, _, _) where status >= 500 && status != 503: self = .server
            default: return nil
            }
        }
    }
}
