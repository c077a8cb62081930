internal import JSON

/// A part of a tool call: all of it in a whole completion; in a stream its arguments come bit by bit. Ranges are those of
/// a `Completion`.
struct ToolCallPiece {
    /// The call's place among those of the answer.
    private(set) var index: Int
    /// The JSON strings, without their quotes.
    private(set) var id, name: Range<Int>?
    /// The arguments, or a part of them: JSON within a JSON string.
    private(set) var arguments: JSONReader.Text?
    /// The arguments as an object, as some servers have them.
    private(set) var object: Range<Int>?

    /// - Parameter number: the place if the piece does not say it.
    init(_ reader: inout JSONReader, number: Int) throws(JSONReader.Malformed) {
        index = number
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "index"), kind == .number {
                index = try reader.count() ?? number
            } else if reader.matches(name, "id"), kind == .string {
                let text = try reader.string().range
                id = text.isEmpty ? nil : text
            } else if reader.matches(name, "function"), kind == .object {
                try function(&reader)
            } else {
                try reader.skipValue()
            }
        }
    }

    private mutating func function(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let member = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(member, "name"), kind == .string {
                let text = try reader.string().range
                name = text.isEmpty ? nil : text
            } else if reader.matches(member, "arguments"), kind == .string {
                arguments = try reader.string()
            } else if reader.matches(member, "arguments"), kind == .object {
                object = try reader.skipped()
            } else if reader.matches(member, "arguments"), kind != .null {
                throw JSONReader.Malformed()
            } else {
                try reader.skipValue()
            }
        }
    }
}
