/// Names of members that Ollama would take for one of its own although they are written differently, and names of ours
/// that it would ignore.
enum FoldedName {
    private static let known: Set<String> = [
        "model", "messages", "stream", "format", "options", "think", "tools", "keep_alive", "prompt", "system",
        "images",
        "timeout",
    ]

    /// Returns the known name that `name` is, written differently; `nil` if it is none.
    ///
    /// Source: Go's encoding/json, `foldName`: letters that differ only in case are equal, and so are K and the Kelvin
    /// sign, S and the long s.
    static func known(_ name: String) -> String? {
        guard name.utf8.count <= 32 else { return nil }
        var folded = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\u{212A}": folded.append("k")
            case "\u{17F}": folded.append("s")
            default: folded.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        let text = String(folded)
        return known.contains(text) ? text : nil
    }
}
