/// Why a text is not a JSON object.
package struct JSONMistake: Sendable {
    private let position: Int
    private let isAtMaximumDepth: Bool

    /// - Parameter reader: where its reading stopped.
    package init(_ reader: JSONReader) {
        position = reader.position
        isAtMaximumDepth = reader.isAtMaximumDepth
    }

    /// Explains the mistake to whoever wrote the text.
    ///
    /// - Parameters:
    ///   - text: the text.
    ///   - example: a sentence that says what to write.
    ///   - action: what is done with such a text, for a sentence that says how.
    package func sentence(about text: [UInt8], _ example: String, action: String = "Send the body") -> String {
        if let mistake = Self.wrongEncoding(of: text) { return "\(action) in UTF-8: \(mistake)." }
        guard text.first(where: { !Self.isSpace($0) }) == UInt8(ascii: "{") else { return example }
        let rest = text[min(position, text.count)...]
        guard let next = rest.first else { return "\(example) This one ends too early, after \(text.count) bytes." }
        let isTooDeep = isAtMaximumDepth && (next == UInt8(ascii: "[") || next == UInt8(ascii: "{"))
        let what =
            isTooDeep
            ? "arrays and objects are nested deeper than \(JSONReader.maximumDepth)"
            : Self.what(next, after: text[..<rest.startIndex], rest)
        return "\(example) This one is wrong at byte \(rest.startIndex + 1): \(what)."
    }

    /// What is wrong with a text that is not in UTF-8; `nil` if it is.
    private static func wrongEncoding(of text: [UInt8]) -> String? {
        let start = text.prefix(2)
        // JSON begins with two ASCII characters, so one of the first two bytes is 0 in UTF-16 and in UTF-32.
        if start.elementsEqual([0xFF, 0xFE]) || start.elementsEqual([0xFE, 0xFF]) || start.contains(0) {
            return "this is UTF-16 or UTF-32"
        }
        guard String(validating: text, as: UTF8.self) == nil else { return nil }
        return "it has bytes that are not, such as those of Latin-1"
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
