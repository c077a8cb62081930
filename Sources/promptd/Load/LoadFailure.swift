import EventLoop
import Glibc
import HTTPClient

/// Why a request got no right answer: the kind that failures are counted by.
enum LoadFailure: Hashable, Sendable {
    /// connect(2) failed with `errno`.
    case unreachable(errno: CInt)
    case unresolved
    case connectTimeout
    case timeout
    /// Every connection was busy until the request's time was up: it was never sent.
    case noConnection
    /// The connection ended before a byte of the reply; `errno` is 0 for a proper FIN.
    case closed(errno: CInt)
    /// The reply ended early: its body, or a stream without the event that ends it.
    case cut
    case notHTTP
    case tooLong
    case status(Int)
    /// The same, and not a word about why.
    case bareStatus(Int)
    /// A stream told of an error, or of something that makes no sense.
    case answerFailed
    /// The answer is whole, but not the one that was expected.
    case unexpected

    /// `nil` for a request that was given up on purpose.
    init?(_ error: ClientError) {
        switch error {
        case .unresolved: self = .unresolved
        case .unreachable(let errno): self = .unreachable(errno: errno)
        case .timeout(.connect): self = .connectTimeout
        case .timeout: self = .timeout
        case .closed(let errno, beforeFirstByte: true): self = .closed(errno: errno)
        case .closed: self = .cut
        case .malformed: self = .notHTTP
        case .tooLarge: self = .tooLong
        case .cancelled: return nil
        }
    }

    /// Whether there was no connection to send the request on.
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
