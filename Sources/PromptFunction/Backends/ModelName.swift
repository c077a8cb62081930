/// A model's name in the form that Ollama compares: in lower case, with its tag, without the default host and
/// namespace.
///
/// `Llama3.2`, `llama3.2:latest` and `registry.ollama.ai/library/llama3.2:latest` are equal. Holds up to 15 bytes
/// without an allocation. Source: `types/model/name.go` of Ollama.
struct ModelName: Hashable, Sendable, CustomStringConvertible {
    /// `name:tag`, `namespace/name:tag` or `host/namespace/name:tag`.
    let description: String

    private static let defaultTag = ":latest"
    private static let defaultHost = "registry.ollama.ai/"
    private static let defaultNamespace = "library/"

    /// Reads any text. A text that is not a valid name equals only itself, in upper or lower case.
    init(_ text: String) {
        var rest = text[...]
        var slashes = 0
        var hasTag = false  // a colon before the last slash belongs to a port
        var isLower = true
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "/"): (slashes, hasTag) = (slashes + 1, false)
            case UInt8(ascii: ":"): hasTag = true
            case 0x41...0x5A: isLower = false
            default: break
            }
        }
        if slashes > 0 { rest = Self.withoutDefaults(rest, slashes) }
        let name = isLower ? String(rest) : Self.lowercased(rest)
        description = hasTag ? name : name + Self.defaultTag
    }

    private static func withoutDefaults(_ text: Substring, _ slashes: Int) -> Substring {
        var (rest, slashes) = (text, slashes)
        for scheme in ["https://", "http://"] where begins(rest, scheme) {
            rest = without(rest, scheme)
            slashes -= 2
        }
        if begins(rest, defaultHost) {
            rest = without(rest, defaultHost)
            slashes -= 1
        }
        // After another host, the namespace is not a default and must stay.
        return slashes == 1 && begins(rest, defaultNamespace) ? without(rest, defaultNamespace) : rest
    }

    /// The name without the default tag, as people write it.
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

    /// Converts an ASCII letter to lower case; a name may have only ASCII.
    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

    private static func lowercased(_ text: Substring) -> String {
        var lower = ""
        for scalar in text.unicodeScalars {
            lower.unicodeScalars.append(scalar.isASCII ? Unicode.Scalar(Self.lower(UInt8(scalar.value))) : scalar)
        }
        return lower
    }
}
