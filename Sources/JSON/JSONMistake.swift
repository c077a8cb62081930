/// Why a text is not a JSON object.
package struct JSONMistake: Sendable {
    private let position: Int
    private let isAtMaximumDepth: Bool

    /// - Parameter reader: where its reading stopped.
    package init(_ reader: JSONReader) {
        position = reader.position
        isAtMaximumDepth = reader.isAtMaximumDepth
    }

    /// Explains the mistake to a client.
    ///
    /// - Parameters:
    ///   - body: the text.
    ///   - example: a sentence that says what to send.
    package func sentence(about body: [UInt8], _ example: String) -> String {
        if let sentence = Self.wrongEncoding(of: body) { return sentence }
        guard body.first(where: { !Self.isSpace($0) }) == UInt8(ascii: "{") else { return example }
        let rest = body[min(position, body.count)...]
        guard let next = rest.first else { return "\(example) This one ends too early, after \(body.count) bytes." }
        let isTooDeep = isAtMaximumDepth && (next == UInt8(ascii: "[") || next == UInt8(ascii: "{"))
        let what =
            isTooDeep
            ? "arrays and objects are nested deeper than \(JSONReader.maximumDepth)"
            : Self.what(next, after: body[..<rest.startIndex], rest)
        return "\(example) This one is wrong at byte \(rest.startIndex + 1): \(what)."
    }

    /// A sentence about a text that is not in UTF-8; `nil` if it is.
    private static func wrongEncoding(of body: [UInt8]) -> String? {
        let start = body.prefix(2)
        // JSON begins with two ASCII characters, so one of the first two bytes is 0 in UTF-16 and in UTF-32.
        if start.elementsEqual([0xFF, 0xFE]) || start.elementsEqual([0xFE, 0xFF]) || start.contains(0) {
            return "Send the body in UTF-8: this is UTF-16 or UTF-32."
        }
        guard String(validating: body, as: UTF8.self) == nil else { return nil }
        return "Send the body in UTF-8: it has bytes that are not, such as those of Latin-1."
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
