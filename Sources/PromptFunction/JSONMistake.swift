internal import JSON

/// Explains to a client why its body is not a JSON object, and where.
enum JSONMistake {
    /// A sentence about `body`.
    ///
    /// - Parameter reader: where its reading stopped. Only its position and depth are used.
    static func sentence(about body: [UInt8], _ reader: JSONReader) -> String {
        let example = PromptRequest.notAnObject
        guard body.first(where: { !isSpace($0) }) == UInt8(ascii: "{") else { return example }
        let rest = body[min(reader.position, body.count)...]
        guard let next = rest.first else { return "\(example) This one ends too early, after \(body.count) bytes." }
        let isTooDeep = reader.isAtMaximumDepth && (next == UInt8(ascii: "[") || next == UInt8(ascii: "{"))
        let what =
            isTooDeep
            ? "arrays and objects are nested deeper than \(JSONReader.maximumDepth)"
            : what(next, after: body[..<rest.startIndex], rest)
        return "\(example) This one is wrong at byte \(rest.startIndex + 1): \(what)."
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static func what(_ next: UInt8, after text: ArraySlice<UInt8>, _ rest: ArraySlice<UInt8>) -> String {
        let before = text.last { !isSpace($0) }
        switch Unicode.Scalar(next) {
        case "}", "]": if before == UInt8(ascii: ",") { return "a comma before a closing bracket" }
        case "'": return "strings and names need double quotes"
        case "N" where rest.starts(with: "NaN".utf8): return "NaN is not a JSON number"
        case "I" where rest.starts(with: "Infinity".utf8): return "Infinity is not a JSON number"
        case "a"..."z", "A"..."Z", "_":
            if before == UInt8(ascii: "{") || before == UInt8(ascii: ",") { return "names need double quotes" }
        case "/", "#": return "JSON has no comments"
        case "\u{0}"..<" ": return "a control character in a string must be written as an escape, such as \\n"
        default: break
        }
        return "unexpected " + (next > 0x20 && next < 0x7F ? "'\(Unicode.Scalar(next))'" : "byte \(next)")
    }
}
