public import EventLoop

/// Why a request to another server got no whole response.
public enum ClientError: Error, Equatable {
    /// The host's name has no address.
    case unresolved(ResolveError)
    /// No address of the host takes connections; `errno` of the last one tried, see connect(2).
    case unreachable(errno: CInt)
    /// A deadline passed.
    case timeout(Phase)
    /// The connection ended before the response did. `errno` is 0 for a proper FIN.
    case closed(errno: CInt, beforeFirstByte: Bool)
    /// What came is not an HTTP/1.1 response; which rule it breaks.
    case malformed(String)
    /// The body is longer than the caller takes, in bytes.
    case tooLarge(limit: Int)
    /// The task was cancelled.
    case cancelled

    /// What took too long.
    public enum Phase: Sendable, Equatable {
        case connect, firstByte, idle, total
    }
}
