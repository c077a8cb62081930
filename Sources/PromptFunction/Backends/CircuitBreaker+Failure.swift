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
        /// A deadline passed.
        case deadline

        /// `nil` for errors that say too little about the host: the client left or sent a wrong request, the model is
        /// unknown, failed or repeated itself, the queue is full, or one reply broke off. The next prompt, or one for
        /// another model, may well succeed: see `ModelPauses`.
        init?(_ error: OllamaError) {
            switch error {
            case .transport(let error) where error.isShortage: return nil
            case .transport(.unreachable(errno: ECONNREFUSED)): self = .refused
            case .transport(.unresolved), .transport(.unreachable), .transport(.timeout(.connect)): self = .connection
            case .transport(.timeout): self = .deadline
            default: return nil
            }
        }
    }
}

extension ClientError {
    /// Whether this process or machine lacks something for a connection, such as a file descriptor: no host is to blame.
    var isShortage: Bool {
        guard case .unreachable(let errno) = self else { return false }
        return [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN].contains(errno)
    }
}

extension OllamaError {
    /// Whether another host may answer what this one has failed: then the prompt is sent there, and so are others for
    /// the model, for a while. Not if the prompt is to blame, the model is missing, or the host is only busy.
    var mayDifferElsewhere: Bool {
        switch self {
        // Ollama replies with status 500 here, although the client made the mistake.
        case .refused(_, let message, _) where message.hasPrefix("option \""): false
        case .refused(status: 503, _, _): false
        // Without words it is not Ollama that blames the prompt.
        case .refused(let status, let words, _): words.isEmpty || ![400, 404, 413, 422].contains(status)
        case .malformedResponse, .failed, .incomplete, .lineTooLong, .untranslatable: true
        case .transport(.cancelled), .transport(.noRoom): false
        case .transport(let error) where error.isShortage: false
        case .transport: true
        case .toolCalls, .onlyThinking, .cutToolCall: false
        }
    }

    /// Whether the host does not have the model. Without words it is not Ollama that says so.
    var saysMissing: Bool {
        if case .refused(status: 404, let words, _) = self { !words.isEmpty } else { false }
    }

    var isUntranslatable: Bool {
        if case .untranslatable = self { true } else { false }
    }

    /// Whether the host has no room for the prompt now. It is asked again if the other hosts have none either.
    var saysBusy: Bool {
        if case .refused(status: 503, _, _) = self { true } else { false }
    }

    /// The seconds for which the host asks not to be asked again.
    var retryAfter: Int? {
        if case .refused(_, _, let seconds) = self { seconds } else { nil }
    }
}
