import EventLoop
import Glibc
import HTTPClient

/// The kind of failure of a request that got no correct answer. Failures are counted by kind.
enum LoadFailure: Hashable, Sendable {
    /// connect(2) failed with `errno`.
    case unreachable(errno: CInt)
    case unresolved
    case connectTimeout
    case timeout
    /// Every connection was busy until the request's timeout, so it was never sent.
    case noConnection
    /// The connection ended before the first byte of the reply; `errno` is 0 for a proper FIN.
    case closed(errno: CInt)
    /// The reply ended early: either its body did, or a stream had no end event.
    case cut
    case notHTTP
    case tooLong
    case status(Int)
    /// The same, but without a reason.
    case bareStatus(Int)
    /// A stream reported an error, or contained something invalid.
    case answerFailed
    /// The answer is complete but not the expected one.
    case unexpected

    /// `nil` for a request that was cancelled on purpose.
    init?(_ error: ClientError) {
        switch error {
        case .unresolved: self = .unresolved
        case .unreachable(let errno): self = .unreachable(errno: errno)
        case .timeout(.connect): self = .connectTimeout
        case .timeout: self = .timeout
        case .closed(let errno, .nothing): self = .closed(errno: errno)
        case .closed: self = .cut
        case .malformed, .encoded: self = .notHTTP
        case .tooLarge, .noRoom: self = .tooLong
        case .cancelled: return nil
        }
    }

    /// Whether the request failed because no connection was available.
    var isOfConnecting: Bool {
        switch self {
        case .unreachable, .unresolved, .connectTimeout: true
        default: false
        }
    }
}

extension LoadFailure: CustomStringConvertible {
    var description: String {
        switch self {
        case .unreachable(let errno): "connecting failed: \(Self.text(errno))"
        case .unresolved: "the host has no address"
        case .connectTimeout: "connecting timed out"
        case .timeout: "timed out"
        case .noConnection: "timed out before a connection was free"
        case .closed(0): "closed before the reply"
        case .closed(let errno): "closed before the reply: \(Self.text(errno))"
        case .cut: "cut within the reply"
        case .notHTTP: "not an HTTP reply"
        case .tooLong: "reply too long"
        case .status(let code): "status \(code)"
        case .bareStatus(let code): "status \(code) without a word"
        case .answerFailed: "answer failed"
        case .unexpected: "not the expected answer"
        }
    }

    private static func text(_ errno: CInt) -> String {
        errno == EADDRNOTAVAIL ? "no local port is free" : SystemError.description(of: errno)
    }
}
