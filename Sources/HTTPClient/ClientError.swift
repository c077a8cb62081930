public import EventLoop

/// Why a request to another server got no complete response.
public enum ClientError: Error, Equatable, CustomStringConvertible {
    /// The host's name has no address.
    case unresolved(ResolveError)
    /// No address of the host accepts connections. `errno` is that of the last address tried; see connect(2).
    case unreachable(errno: CInt)
    /// A deadline passed.
    case timeout(Phase)
    /// The connection ended before the response did. `errno` is 0 for a proper FIN.
    case closed(errno: CInt, Progress)
    /// The bytes received are not an HTTP/1.1 response. The text names the rule that is broken.
    case malformed(String, Progress)
    /// The body has a content coding, such as gzip, although none was asked for.
    case encoded
    /// The body is longer than the caller's limit, in bytes.
    case tooLarge(limit: Int)
    /// The caller has no room in memory for the rest of the response.
    case noRoom
    /// The task was cancelled.
    case cancelled

    /// The phase that took too long.
    public enum Phase: Sendable, Equatable {
        case connect, firstByte, idle, total
    }

    /// How much of the response had come.
    public enum Progress: Sendable, Equatable {
        /// Not a byte.
        case nothing
        /// Bytes of the head, or all of it, but no byte of the body.
        case head
        /// Bytes of the body.
        case body
    }

    public var description: String {
        switch self {
        case .unresolved(let error): "\(error)"
        case .unreachable(0): "cannot connect: the host has no address"
        case .unreachable(let errno): "cannot connect: \(SystemError.description(of: errno))"
        case .timeout(.connect): "timed out: the connection was not accepted"
        case .timeout(.firstByte): "timed out: no response"
        case .timeout(.idle): "timed out: the rest of the response did not come"
        case .timeout(.total): "timed out: the whole request took too long"
        case .closed(let errno, let progress):
            "connection \(errno == 0 ? "closed" : "broken") \(progress == .nothing ? "before" : "during") the response"
                + (errno == 0 ? "" : ": \(SystemError.description(of: errno))")
        case .malformed(let rule, _): "malformed response: \(rule)"
        case .encoded: "the response is compressed, although that was not asked for: a proxy in between may do that"
        case .tooLarge(let limit): "the response is longer than \(limit) bytes"
        case .noRoom: "there is no room for the rest of the response: see --max-buffered-bytes"
        case .cancelled: "the request was cancelled"
        }
    }
}
