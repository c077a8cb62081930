/// The head of a stream. It is sent together with the first piece.
///
/// A class: every piece passes it on or `nil`, and copying a struct with an array costs each token 160 instructions
/// (scripts/cost).
final class StreamHead {
    let status: Status
    let contentType: ContentType
    /// Further header fields, sent in this order.
    let fields: [HeaderField]
    /// Whether to ask proxies not to cache or buffer the stream.
    let isUnbuffered: Bool

    init(_ status: Status, _ contentType: ContentType, _ fields: [HeaderField], isUnbuffered: Bool) {
        self.status = status
        self.contentType = contentType
        self.fields = fields
        self.isUnbuffered = isUnbuffered
    }
}
