internal import HTTPClient

/// The head of a response that is passed on.
package struct ForwardedHead: Sendable {
    package let status: Int
    /// The fields that are passed on, as lines, each with its CRLF.
    package let fieldLines: [UInt8]
    /// The bytes of the body; `nil` if they are not known yet.
    package let length: Int?

    package init(status: Int, fieldLines: [UInt8], length: Int?) {
        self.status = status
        self.fieldLines = fieldLines
        self.length = length
    }

    init(_ response: borrowing IncomingResponse) {
        status = response.head.status
        fieldLines = response.fieldLines
        length = if case .length(let length) = response.head.framing { length } else { nil }
    }
}
