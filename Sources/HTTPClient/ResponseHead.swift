/// The parts of a response's head that the client needs. Source: RFC 9112.
package struct ResponseHead: Equatable, Sendable {
    /// How the end of the body is marked. Source: RFC 9112, 6.3.
    package enum Framing: Equatable, Sendable {
        /// There is no body.
        case none
        /// The body has this many bytes, 0 to `Int.max`.
        case length(Int)
        /// A body in chunks.
        case chunked
        /// The body ends with the connection.
        case untilClose
    }

    /// The kind of body, by its media type; parameters such as `charset` are ignored. Source: RFC 9110, 8.3.
    package enum ContentType: Equatable, Sendable {
        /// `application/json`.
        case json
        /// `application/x-ndjson`, one JSON text per line: the format of Ollama's streams.
        case ndjson
        /// `text/event-stream`: server-sent events.
        case events
        /// Anything else, none, or more than one.
        case other
    }

    /// The status code, 100 to 599.
    package var status: Int
    /// How the end of the body is marked, for any request except HEAD: a response to HEAD never has a body, even if its
    /// head says so.
    package var framing: Framing
    /// Whether the connection may serve another request after this response.
    package var keepAlive: Bool
    /// Seconds to wait before another try, 0 to `maximumRetryAfter`; `nil` when absent or given as a date.
    /// Source: RFC 9110, 10.2.3.
    package var retryAfter: Int?
    /// What the body is.
    package var contentType: ContentType
    /// Whether the body has a content coding, such as gzip. None is asked for. Source: RFC 9110, 8.4.
    package var isEncoded: Bool

    /// Maximum bytes of a head, including its last CRLF.
    package static let maximumBytes = 16 * 1024

    /// The maximum of `retryAfter` in seconds, one day; a larger `Retry-After` is reduced to it.
    package static let maximumRetryAfter = 86_400

    package init(
        status: Int, framing: Framing, keepAlive: Bool, retryAfter: Int? = nil, contentType: ContentType = .other,
        isEncoded: Bool = false
    ) {
        self.status = status
        self.framing = framing
        self.keepAlive = keepAlive
        self.retryAfter = retryAfter
        self.contentType = contentType
        self.isEncoded = isEncoded
    }

    /// The result of parsing the bytes so far.
    package enum Outcome: Sendable {
        /// The head is complete and took `consumed` bytes; the body begins after them.
        case done(ResponseHead, consumed: Int)
        /// The bytes so far may be the start of a head.
        case needMore
        /// The bytes cannot be a head, whatever follows. The text names the rule that is broken.
        case malformed(StaticString)
    }

    /// Reads a head from the start of `bytes`; after `needMore`, call it again with more bytes from the same start.
    ///
    /// It is strict, because a response that can be read in two ways may be forged: lines must end in CRLF,
    /// Content-Length must be one number, and `chunked` must be the only transfer coding. A pure function: usable on
    /// any thread, without allocation; its only error is `malformed`. Source: RFC 9112, 2 to 6.
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
