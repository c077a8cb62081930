/// One of Ollama's objects, kept.
package struct StoredPart: Sendable {
    package let bytes: [UInt8]
    /// Where its parts are.
    let fields: ReplyScanner.Fields

    package init(_ bytes: [UInt8], _ fields: ReplyScanner.Fields) {
        self.bytes = bytes
        self.fields = fields
    }

    /// Calls `use` with the part.
    package func withPart<Result, Failure>(
        _ use: (borrowing ChatPart) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe bytes.span.withUnsafeBytes { buffer throws(Failure) in try unsafe use(ChatPart(buffer, fields)) }
    }
}
