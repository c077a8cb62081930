/// The head of a response, as far as the client cares. Source: RFC 9112.
public struct ResponseHead: Equatable, Sendable {
    /// How the body's end is told. Source: RFC 9112, 6.3.
    public enum Framing: Equatable, Sendable {
        /// There is no body.
        case none
        /// A body of so many bytes.
        case length(Int)
        case chunked
        /// The body ends with the connection.
        case untilClose
    }

    /// 100 to 599.
    public var status: Int
    public var framing: Framing
    /// Whether the connection may serve another request.
    public var keepAlive: Bool
    /// Seconds to wait before another try.
    public var retryAfter: Int?

    /// Bytes of a head at most.
    public static let maximumBytes = 64 * 1024

    public enum Outcome: Equatable, Sendable {
        /// The head is whole and took so many bytes.
        case done(ResponseHead, consumed: Int)
        /// All bytes so far may begin a head.
        case needMore
        /// No bytes that follow can make a head of it; names the rule that is broken.
        case malformed(String)
    }

    /// Reads a head from the start of `bytes`; with `needMore`, call again with more bytes from the same start.
    ///
    /// Strict, since a response that can be read in two ways is one that somebody forged: lines end in CRLF, Content-Length is
    /// one number, chunked stands alone. Allocates nothing unless the head is malformed.
    public static func parse(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        var reader = HeadReader(bytes)
        do throws(HeadReader.Stop) {
            return .done(try reader.head(), consumed: reader.position)
        } catch {
            switch error {
            case .needMore where bytes.count >= maximumBytes: return .malformed("the head is too long")
            case .needMore: return .needMore
            case .malformed(let rule): return .malformed("\(rule)")
            }
        }
    }
}
