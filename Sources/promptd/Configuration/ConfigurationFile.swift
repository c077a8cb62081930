import ArgumentParser
import JSON

/// A file of settings: a JSON object with the flags' names, without dashes, and the values that the flags take.
///
/// Not YAML, and not by swift-configuration: the values are the texts that the variables have, so nothing else is needed
/// than a reader of JSON, which is there.
struct ConfigurationFile: Sendable {
    /// The texts of the settings, by their environment variables.
    private(set) var values: [String: String] = [:]

    /// - Throws: `ValidationError` that names the setting and says what to do.
    init(reading path: String) throws {
        guard let text = SmallFile.bytes(path) else {
            throw ValidationError("The configuration file '\(path)' cannot be read: give another with --config.")
        }
        do {
            try unsafe text.withUnsafeBytes { bytes in
                var reader = unsafe JSONReader(bytes)
                do {
                    try read(&reader)
                } catch is JSONReader.Malformed {
                    throw ValidationError(
                        JSONMistake(reader).sentence(about: text, "Write a JSON object.", action: "Write the file"))
                }
            }
        } catch let error as ValidationError {
            throw ValidationError("The configuration file '\(path)': \(error.message)")
        }
    }

    private mutating func read(_ reader: inout JSONReader) throws {
        var isFirst = true
        try reader.begin("{")
        while let member = try reader.nextName(isFirst: &isFirst) {
            let name = String(decoding: reader.unescaped(member), as: UTF8.self)
            guard let setting = Setting.named(name) else {
                let near = Setting.nearest(to: name).map { " Did you mean '\($0.name)'?" } ?? ""
                throw ValidationError("there is no setting '\(name)'.\(near)")
            }
            guard values[setting.variable] == nil else { throw ValidationError("give '\(name)' once.") }
            if let text = try text(of: setting, &reader) { values[setting.variable] = text }
        }
        try reader.end()
    }

    /// `nil` for null, which counts as absent.
    private func text(of setting: Setting, _ reader: inout JSONReader) throws -> String? {
        switch try reader.kind() {
        case .string: return String(decoding: reader.unescaped(try reader.string()), as: UTF8.self)
        case .number, .boolean:
            let range = try reader.skipped()
            return unsafe String(decoding: reader.bytes[range], as: UTF8.self)
        case .null:
            try reader.skipValue()
            return nil
        case .array:
            var entries: [String] = []
            var isFirst = true
            try reader.begin("[")
            while try reader.nextElement(isFirst: &isFirst, before: "]") {
                guard let entry = try text(of: setting, &reader) else { continue }
                guard !entry.contains(",") else {
                    throw ValidationError("an entry of '\(setting.name)' has a comma: '\(entry)'.")
                }
                entries.append(entry)
            }
            return entries.joined(separator: ",")
        case .object: throw ValidationError("give '\(setting.name)' a text, a number, true or false, or a list.")
        }
    }
}
