import ArgumentParser
import JSON

/// `promptd config`
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the settings that serve would have, and where each comes from.",
        discussion: """
            Give it the flags of serve, such as --config FILE. A flag takes precedence over an environment variable, that \
            over the file, and that over the default. A file is a JSON object such as {"max-queue": 100, "apis": ["ollama"]}.
            """,
        subcommands: [Show.self, Check.self, Schema.self], defaultSubcommand: Show.self)

    /// `promptd config show`
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print each setting, its value and its origin (the default).")

        @Argument(parsing: .captureForPassthrough, help: "Flags of serve.")
        var flags: [String] = []

        func run() throws {
            guard let serve = try Serve.parseAsRoot(flags) as? Serve else { return }
            try serve.useFile()
            _ = try serve.prepare()
            let unused = serve.listen.unused.union(serve.protection.unused)
            let rows = Setting.all.map { EffectiveSetting($0, flags: flags, isUsed: !unused.contains($0.name)) }
            let name = rows.map(\.name.count).max() ?? 0
            let value = min(rows.map(\.value.count).max() ?? 0, 50)
            for row in rows {
                let columns = [(row.name, name), (row.value, value)].map { text, width in
                    text + String(repeating: " ", count: max(0, width - text.count))
                }
                print(columns.joined(separator: "  ") + "  " + row.origin)
            }
        }
    }

    /// `promptd config check`
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: """
                Check a file of settings, whatever the environment: exit status 0 if serve would take it, else 64 and what \
                is wrong.
                """)

        @Argument(help: "The file.")
        var file: String?

        @Option(help: "A file of tenants to check, with or without one of settings.")
        var tenants: String?

        func run() throws {
            let flags = (file.map { ["--config", $0] } ?? []) + (tenants.map { ["--tenants", $0] } ?? [])
            guard !flags.isEmpty else { throw ValidationError("Name a file to check.") }
            guard let serve = try Serve.parseAsRoot(flags) as? Serve else { return }
            // The files alone are judged: what is right here must not be wrong elsewhere.
            try Environment.$replacement.withValue([:]) {
                try serve.useFile()
                _ = try serve.prepare()
            }
            for file in [file, tenants] { if let file { print("\(file) is right.") } }
        }
    }
}

extension Config {
    /// `promptd config schema`
    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the JSON Schema of a file of settings, for editors and pipelines.")

        func run() { print(String(decoding: Self.json, as: UTF8.self)) }

        /// Source: JSON Schema, draft 2020-12.
        static var json: [UInt8] {
            var json = JSONWriter()
            json.put("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":")
            json.put(quoted: "Settings of promptd \(Promptd.version)")
            json.put(",\"type\":\"object\",\"additionalProperties\":false,\"properties\":{")
            for (index, setting) in Setting.all.enumerated() {
                if index > 0 { json.put(",") }
                json.put(quoted: setting.name)
                json.put(":{\"type\":")
                json.put(
                    raw: setting.isSwitch
                        ? #"["boolean","null"]"#
                        : #"["string","number","boolean","array","null"],"items":{"type":"string"}"#)
                json.put(",\"description\":")
                json.put(quoted: setting.help)
                json.put("}")
            }
            json.put("}}")
            return json.bytes
        }
    }
}

/// A setting with its value, and where that comes from.
struct EffectiveSetting {
    let name: String
    let value: String
    let origin: String

    /// - Parameters:
    ///   - flags: the command line, which was parsed before.
    ///   - isUsed: whether it counts, and no other setting in its place.
    init(_ setting: Setting, flags: [String], isUsed: Bool) {
        name = setting.name
        let (value, origin) = Self.find(setting, flags)
        let isDefault = origin == "default"
        self.value = setting.isSecret && !isDefault ? "********" : isDefault && !isUsed ? "" : value
        self.origin = isUsed ? origin : isDefault ? "not used" : "\(origin), not used: another setting comes first"
    }

    /// Whether a flag or a variable sets it, so that what the file says does not matter.
    static func precedesFile(_ setting: Setting, flags: [String]) -> Bool {
        find(setting, flags).origin == "flag" || Environment.isVariable(setting.variable)
    }

    private static func find(_ setting: Setting, _ flags: [String]) -> (value: String, origin: String) {
        let flag = "--" + setting.name
        for (index, argument) in flags.enumerated().reversed() {
            if argument.hasPrefix(flag + "=") { return (String(argument.dropFirst(flag.count + 1)), "flag") }
            if argument == flag {
                return (setting.isSwitch ? "true" : index + 1 < flags.count ? flags[index + 1] : "", "flag")
            }
        }
        if let text = Environment.text(setting.variable) {
            return (text, Environment.isVariable(setting.variable) ? "environment (\(setting.variable))" : "file")
        }
        return (setting.standard ?? "", "default")
    }
}
