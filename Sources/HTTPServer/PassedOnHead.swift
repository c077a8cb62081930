/// The head of another server's response, which is passed on to the client.
package struct PassedOnHead: Sendable {
    /// From 200 to 599.
    package var status: Int
    /// Lines, each with its CRLF. None has a control character, and none is about the body's length, the connection or
    /// the time.
    package var fieldLines: [UInt8]
    /// Further fields, sent after those.
    package var fields: [HeaderField]
    /// The bytes of the body; `nil` if they are not known yet.
    package var length: Int?

    package init(status: Int, fieldLines: [UInt8], fields: [HeaderField] = [], length: Int?) {
        self.status = status
        self.fieldLines = fieldLines
        self.fields = fields
        self.length = length
    }
}
