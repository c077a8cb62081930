/// A name of a member as Go compares it, so that names which Ollama would take for one of its own are found although
/// they are written differently.
package enum FoldedName {
    /// Maximum bytes of a name that is folded; longer ones are none that matter.
    private static let longest = 32

    /// The name in lower case; `nil` if it is too long.
    ///
    /// Source: Go's encoding/json, `foldName`: letters that differ only in case are equal, and so are K and the Kelvin
    /// sign, S and the long s.
    package static func fold(_ name: String) -> String? {
        guard name.utf8.count <= longest else { return nil }
        var folded = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\u{212A}": folded.append("k")
            case "\u{17F}": folded.append("s")
            default: folded.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(folded)
    }
}
