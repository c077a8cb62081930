/// Finds what matters in one object of Ollama's reply, in one pass: a line of a stream, a whole reply, or an error.
///
/// What it is not certain of is `unsure`, and left to `ReplyDecoder`: invalid JSON, names that occur twice or have escapes, values
/// of an unexpected type.
enum ReplyScanner {
    enum Outcome {
        case message(Fields)
        case error(String)
        case unsure
    }

    /// What a message says.
    struct Fields {
        /// The answer's text between its quotes, as a range of the scanned bytes.
        var content: Range<Int>
        var contentHasEscapes: Bool
        /// Whether the answer ends here.
        var done: Bool
    }

    private struct Found {
        var content: JSONReader.Text?
        var done: Bool?
        var error: JSONReader.Text?
        var hasMessage = false
    }

    static func scan(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        var reader = JSONReader(bytes)
        do throws(JSONReader.Stop) {
            let found = try read(&reader)
            if let error = found.error, !found.hasMessage {
                var text: [UInt8] = []
                guard JSONString.append(UnsafeRawBufferPointer(rebasing: bytes[error.range]), to: &text) else {
                    return .unsure
                }
                return .error(String(decoding: text, as: UTF8.self))
            }
            guard let content = found.content, found.error == nil else { return .unsure }
            return .message(
                Fields(content: content.range, contentHasEscapes: content.hasEscapes, done: found.done ?? false))
        } catch {
            return .unsure
        }
    }

    /// Appends the text that a raw string stands for. False when it stands for none.
    static func appendUnescaped(_ raw: UnsafeRawBufferPointer, to text: inout [UInt8]) -> Bool {
        JSONString.append(raw, to: &text)
    }

    private static func read(_ reader: inout JSONReader) throws(JSONReader.Stop) -> Found {
        var found = Found()
        try reader.object { (reader, name) throws(JSONReader.Stop) in
            guard !name.hasEscapes else { throw JSONReader.Stop() }
            if reader.text(name, is: "message") {
                guard !found.hasMessage else { throw JSONReader.Stop() }
                found.hasMessage = true
                found.content = try readMessage(&reader)
            } else if reader.text(name, is: "done") {
                guard found.done == nil, try isNext(&reader, "t", "f") else { throw JSONReader.Stop() }
                found.done = try reader.boolean()
            } else if reader.text(name, is: "error") {
                guard found.error == nil else { throw JSONReader.Stop() }
                found.error = try reader.string()
            } else {
                try reader.skipValue()
            }
        }
        reader.skipSpace()
        guard reader.isAtEnd else { throw JSONReader.Stop() }
        return found
    }

    private static func readMessage(_ reader: inout JSONReader) throws(JSONReader.Stop) -> JSONReader.Text? {
        var content: JSONReader.Text?
        try reader.object { (reader, name) throws(JSONReader.Stop) in
            guard !name.hasEscapes else { throw JSONReader.Stop() }
            if reader.text(name, is: "content") {
                guard content == nil else { throw JSONReader.Stop() }
                content = try reader.string()
            } else {
                try reader.skipValue()
            }
        }
        return content
    }

    private static func isNext(
        _ reader: inout JSONReader, _ first: Unicode.Scalar, _ second: Unicode.Scalar
    ) throws(JSONReader.Stop) -> Bool {
        let byte = try reader.peek()
        return byte == UInt8(ascii: first) || byte == UInt8(ascii: second)
    }
}
