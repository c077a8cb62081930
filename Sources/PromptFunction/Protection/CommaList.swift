/// Reads settings that are lists in a text.
enum CommaList {
    /// Whether it is a space, a tab or a line end.
    static func isNoise(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Returns the text without spaces, tabs and line ends around it.
    static func trimmed(_ text: Substring) -> Substring {
        guard let first = text.utf8.firstIndex(where: { !isNoise($0) }),
            let last = text.utf8.lastIndex(where: { !isNoise($0) })
        else { return text[text.endIndex...] }
        return text[first...last]
    }

    /// The entries between commas, trimmed; empty ones are left out.
    static func entries(_ list: String) -> [Substring] {
        list.utf8.split(separator: UInt8(ascii: ",")).map { trimmed(Substring($0)) }.filter { !$0.isEmpty }
    }
}
