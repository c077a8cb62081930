/// A model's name as Ollama compares it: in lower case, with its tag, without what is the default before it.
///
/// `Llama3.2`, `llama3.2:latest` and `registry.ollama.ai/library/llama3.2:latest` are equal. Holds up to 15 bytes without an
/// allocation. Source: `types/model/name.go` of Ollama.
struct ModelName: Hashable, Sendable, CustomStringConvertible {
    /// `name:tag`, `namespace/name:tag` or `host/namespace/name:tag`.
    let description: String

    private static let defaultTag = ":latest"
    private static let defaultHost = "registry.ollama.ai/"
    private static let defaultNamespace = "library/"

    /// Any text: what is no valid name equals only itself, in any case.
    init(_ text: String) {
        var rest = text[...]
        if let separator = rest.firstRange(of: "://") { rest = rest[separator.upperBound...] }
        if Self.begins(rest, Self.defaultHost) { rest = Self.without(rest, Self.defaultHost) }
        // `library/` alone is a namespace; behind another host it is none that may be left out.
        if Self.begins(rest, Self.defaultNamespace), rest.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1 {
            rest = Self.without(rest, Self.defaultNamespace)
        }
        let isPlain = !rest.utf8.contains { (0x41...0x5A).contains($0) }
        var name = isPlain ? String(rest) : Self.lowercased(rest)
        if !Self.hasTag(rest) { name += Self.defaultTag }
        description = name
    }

    /// Without the default tag: as people write it.
    var short: String {
        description.hasSuffix(Self.defaultTag) ? String(description.dropLast(Self.defaultTag.utf8.count)) : description
    }

    private static func begins(_ text: Substring, _ prefix: String) -> Bool {
        let start = text.utf8.prefix(prefix.utf8.count)
        return text.utf8.count > prefix.utf8.count && start.elementsEqual(prefix.utf8) { lower($0) == $1 }
    }

    private static func without(_ text: Substring, _ prefix: String) -> Substring {
        text[text.utf8.index(text.startIndex, offsetBy: prefix.utf8.count)...]
    }

    /// A colon before the last slash is that of a port.
    private static func hasTag(_ text: Substring) -> Bool {
        for byte in text.utf8.reversed() {
            if byte == UInt8(ascii: ":") { return true }
            if byte == UInt8(ascii: "/") { return false }
        }
        return false
    }

    /// In ASCII, which is all that a name may have.
    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

    private static func lowercased(_ text: Substring) -> String {
        var lower = ""
        for scalar in text.unicodeScalars {
            lower.unicodeScalars.append(scalar.isASCII ? Unicode.Scalar(Self.lower(UInt8(scalar.value))) : scalar)
        }
        return lower
    }
}
