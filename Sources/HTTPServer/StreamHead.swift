/// The head of a stream. It is sent together with the first piece.
///
/// A class: every piece passes it on or `nil`, and copying a struct with an array costs each token 160 instructions
/// (scripts/cost).
final class StreamHead {
    let status: Status
    /// `nil` if `fieldLines` has it.
    let contentType: ContentType?
    /// Fields as lines, each with its CRLF: those of another server's response, and others.
    let fieldLines: [UInt8]
    /// Further header fields, sent in this order.
    let fields: [HeaderField]
    /// The bytes of the body; `nil` if they are not known yet.
    let length: Int?
    /// Whether to ask proxies not to cache or buffer the stream.
    let isUnbuffered: Bool

    init(_ status: Status, _ contentType: ContentType, _ fields: [HeaderField], _ lines: [UInt8], isUnbuffered: Bool) {
        self.status = status
        self.contentType = contentType
        self.fields = fields
        self.isUnbuffered = isUnbuffered
        fieldLines = lines
        length = nil
    }

    init(passingOn head: PassedOnHead) {
        status = Status(passingOn: head.status)
        (contentType, isUnbuffered) = (nil, false)
        fieldLines = head.fieldLines
        fields = head.fields
        length = head.length
    }
}
