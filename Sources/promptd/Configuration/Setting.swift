/// A setting of `promptd serve`: what its flag's declaration says of it, and nothing else. Help, the file and
/// `promptd config` follow from there.
struct Setting: Sendable {
    /// The flag without its dashes, which is also the name in a file.
    let name: String
    /// The environment variable.
    let variable: String
    /// `nil` if there is none, or it depends on others.
    let standard: String?
    /// Whether it is a switch.
    let isSwitch: Bool
    let help: String

    /// Whether its value is for nobody to see.
    var isSecret: Bool { Self.secrets[name] != nil }

    /// Settings that are secrets, which are no flags: other users see those.
    private static let secrets = [
        "api-keys": "PROMPTD_API_KEYS", "ollama-api-key": "OLLAMA_API_KEY", "openai-api-key": "OPENAI_API_KEY",
        "otlp-headers": "OTEL_EXPORTER_OTLP_HEADERS",
    ]

    /// All of them, in the order of the help.
    static let all: [Setting] = {
        let flags = (CommandDescription(of: Serve.self).arguments ?? []).compactMap { argument -> Setting? in
            guard let name = argument.preferredName?.name, !unlisted.contains(name) else { return nil }
            return Setting(name, help: argument.abstract ?? "", isSwitch: argument.kind == "flag")
        }
        return flags + secrets.sorted { $0.key < $1.key }.map { Setting(secret: $0.key, variable: $0.value) }
    }()

    /// Flags that are no settings.
    private static let unlisted: Set = ["help", "version", "config", "generate-completion-script"]

    private init(_ name: String, help: String, isSwitch: Bool) {
        self.name = name
        self.help = help
        self.isSwitch = isSwitch
        // Variables with names of their own stand in brackets.
        variable = help.firstMatch(of: /\[([A-Z_]+)\]/).map { String($0.1) } ?? Environment.name(of: name)
        standard = isSwitch ? "false" : help.firstMatch(of: /\(default: ([^)]+)\)/).map { String($0.1) }
    }

    private init(secret name: String, variable: String) {
        (self.name, self.variable, help, isSwitch, standard) = (name, variable, "A secret.", false, nil)
    }

    static func named(_ name: String) -> Setting? { all.first { $0.name == name } }

    /// Variables that look like settings, but are none. Others that begin so may be Kubernetes's, about a service that is
    /// called promptd.
    static var misspelt: [(variable: String, meant: String)] {
        let names = Environment.names.filter { $0.hasPrefix("PROMPTD_") }.sorted()
        if names.isEmpty { return [] }  // finding the settings takes 20 ms at the start
        let known = Set(
            all.map(\.variable) + ["PROMPTD_CONFIG", "PROMPTD_URL", "PROMPTD_ADMIN_URL", "PROMPTD_API_KEY"])
        return names.filter { !known.contains($0) }.compactMap { name in
            let near = known.map { ($0, distance($0, name)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
            return near.flatMap { $0.1 <= 2 ? (name, $0.0) : nil }
        }
    }

    /// What `name` may have been meant to be.
    static func nearest(to name: String) -> Setting? {
        let near = all.map { ($0, distance($0.name, name)) }.min { $0.1 < $1.1 }
        return near.flatMap { $0.1 <= max(2, name.count / 3) ? $0.0 : nil }
    }

    /// How many characters must be changed, added or removed (Levenshtein).
    private static func distance(_ left: String, _ right: String) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var before = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, before + (a == b ? 0 : 1))
                before = above
            }
        }
        return row[right.count]
    }
}
