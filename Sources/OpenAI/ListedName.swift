/// Names of models as a server lists them. Ollama's clients may write them in other cases, and with its default tag.
enum ListedName {
    /// The name in `list` that is meant by `name`; `nil` if there is none.
    static func find(_ name: String, in list: [String]) -> String? {
        if list.contains(name) { return name }
        let plain = folded(name)
        return list.first { folded($0) == plain }
    }

    private static func folded(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(":latest") ? String(name.dropLast(":latest".count)) : name
    }
}
