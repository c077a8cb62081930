/// The head of a response, as far as the client cares. Source: RFC 9112.
package struct ResponseHead: Equatable, Sendable {
    /// How the end of the body is told. Source: RFC 9112, 6.3.
    package enum Framing: Equatable, Sendable {
        /// There is no body.
        case none
        /// A body of so many bytes, 0 to `Int.max`.
        case length(Int)
        /// A body in chunks.
        case chunked
        /// The body ends with the connection.
        case untilClose
    }

    /// What the body is, by its media type; parameters such as `charset` do not matter. Source: RFC 9110, 8.3.
    package enum ContentType: Equatable, Sendable {
        /// `application/json`.
        case json
        /// `application/x-ndjson`, one JSON text a line: how Ollama streams.
        case ndjson
        /// Anything else, none, or more than one.
        case other
    }

    /// The status code, 100 to 599.
    package var status: Int
    /// How the end of the body is told, for any request but HEAD: a response to that has no body whatever its head
    /// says.
    package var framing: Framing
    /// Whether the connection may serve another request after this response.
    package var keepAlive: Bool
    /// Seconds to wait before another try, 0 to `maximumRetryAfter`; `nil` when absent or given as a date.
    /// Source: RFC 9110, 10.2.3.
    package var retryAfter: Int?
    /// What the body is.
    package var contentType: ContentType

    /// Bytes of a head at most, its last CRLF included.
    package static let maximumBytes = 64 * 1024

    /// What a larger `Retry-After` is cut to, in seconds: a day.
    package static let maximumRetryAfter = 86_400

    package init(
        status: Int, framing: Framing, keepAlive: Bool, retryAfter: Int? = nil, contentType: ContentType = .other
    ) {
        self.status = status
        self.framing = framing
        self.keepAlive = keepAlive
        self.retryAfter = retryAfter
        self.contentType = contentType
    }

    /// What the bytes so far amount to.
    package enum Outcome: Sendable {
        /// The head is whole and took so many bytes; the body begins behind them.
        case done(ResponseHead, consumed: Int)
        /// The bytes so far may begin a head.
        case needMore
        /// No bytes that follow can make a head of it; names the rule that is broken.
        case malformed(StaticString)
    }

    /// Reads a head from the start of `bytes`; after `needMore`, call it again with more bytes from the same start.
    ///
    /// Strict, because a response that can be read in two ways is one that somebody forged: lines end in CRLF,
    /// Content-Length is one number, `chunked` stands alone. A pure function: any thread, no allocation, no error but
    /// `malformed`. Source: RFC 9112, 2 to 6.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        var reader = unsafe HeadReader(bytes)
        do throws(HeadReader.Stop) {
            let head = try reader.head()
            return .done(head, consumed: reader.position)
        } catch {
            switch error {
            case .needMore where bytes.count >= maximumBytes: return .malformed("the head is too long")
            case .needMore: return .needMore
            case .malformed(let rule): return .malformed(rule)
            }
        }
    }
}
