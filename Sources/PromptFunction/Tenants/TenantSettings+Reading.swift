internal import APIs
internal import Digests
internal import JSON

extension TenantSettings {
    /// Reads a file such as `{"tenants": {"acme": {"keys": ["sha256:…"], "tokens-per-minute": 100000}}}`.
    ///
    /// - Throws: `TenantMistake`.
    package init(json bytes: [UInt8]) throws {
        var settings = Self(entries: [])
        try unsafe bytes.withUnsafeBytes { buffer in
            var reader = unsafe JSONReader(buffer)
            do {
                try settings.read(&reader)
            } catch is JSONReader.Malformed {
                throw TenantMistake(
                    JSONMistake(reader).sentence(about: bytes, "Write a JSON object.", action: "Write the file"))
            }
        }
        self = settings
    }

    private mutating func read(_ reader: inout JSONReader) throws {
        var isFirst = true
        var (hasTenants, hasWeights) = (false, false)
        try reader.begin("{")
        while let member = try reader.nextName(isFirst: &isFirst) {
            switch Self.string(member, reader) {
            case "tenants":
                guard !hasTenants else { throw TenantMistake("Give 'tenants' once.") }
                hasTenants = true
                try readTenants(&reader)
            case "weights":
                guard !hasWeights else { throw TenantMistake("Give 'weights' once.") }
                hasWeights = true
                try readWeights(&reader)
            case let other:
                throw TenantMistake("There is no '\(other.cut(to: 100))' here: give 'tenants' and perhaps 'weights'.")
            }
        }
        try reader.end()
        guard !entries.isEmpty else { throw TenantMistake("There is no tenant: give at least one in 'tenants'.") }
        var owners: [SHA256Digest: String] = [:]
        for entry in entries {
            for key in entry.keys {
                if let other = owners.updateValue(entry.name, forKey: key) {
                    throw TenantMistake(
                        "'\(other)' and '\(entry.name)' have the same key: make another with 'promptd key'.")
                }
            }
        }
    }

    private static func string(_ text: JSONReader.Text, _ reader: JSONReader) -> String {
        String(decoding: reader.unescaped(text), as: UTF8.self)
    }

    private mutating func readWeights(_ reader: inout JSONReader) throws {
        var isFirst = true
        var given: Set<String> = []
        try reader.begin("{")
        while let member = try reader.nextName(isFirst: &isFirst) {
            let name = Self.string(member, reader)
            guard let priority = PriorityClass(name: name) else {
                throw TenantMistake("There is no class '\(name.cut(to: 100))': there are interactive and batch.")
            }
            guard given.insert(name).inserted else { throw TenantMistake("Give the weight of '\(name)' once.") }
            weights[priority] = try Self.number(&reader, "the weight of '\(name)'", 1...1000)
        }
        guard weights.interactive >= weights.batch else {
            throw TenantMistake("Give 'interactive' at least the weight of 'batch', which comes after it.")
        }
    }

    private mutating func readTenants(_ reader: inout JSONReader) throws {
        var isFirst = true
        var names: Set<String> = []
        try reader.begin("{")
        while let member = try reader.nextName(isFirst: &isFirst) {
            let name = Self.string(member, reader)
            let isPlain = name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
            guard isPlain, name != ModelMetrics.other, (1...64).contains(name.utf8.count) else {
                throw TenantMistake(
                    "'\(name.cut(to: 100))' is no name of a tenant: use up to 64 letters, digits and signs.")
            }
            guard names.insert(name).inserted else { throw TenantMistake("Give the tenant '\(name)' once.") }
            entries.append(try Self.entry(name, &reader))
            guard entries.count <= Self.most else { throw TenantMistake("Give at most \(Self.most) tenants.") }
        }
    }

    private static func entry(_ name: String, _ reader: inout JSONReader) throws -> Entry {
        var entry = Entry(name: name)
        var isFirst = true
        var given: Set<String> = []
        try reader.begin("{")
        while let member = try reader.nextName(isFirst: &isFirst) {
            let setting = string(member, reader)
            let what = "'\(setting)' of '\(name)'"
            guard given.insert(setting).inserted else { throw TenantMistake("Give \(what.cut(to: 200)) once.") }
            switch setting {
            case "keys":
                for text in try list(&reader, what) {
                    guard text.hasPrefix("sha256:"), let digest = SHA256Digest(hexadecimal: text.dropFirst(7)) else {
                        throw TenantMistake("Give \(what) as hashes, such as sha256:…: 'promptd key' makes them.")
                    }
                    guard digest != SHA256Digest(of: "") else {
                        throw TenantMistake("A hash in \(what) is that of an empty key: 'promptd key' makes one.")
                    }
                    guard !entry.keys.contains(digest) else { throw TenantMistake("Give each hash in \(what) once.") }
                    entry.keys.append(digest)
                }
            case "models":
                let models = try list(&reader, what)
                guard models.allSatisfy({ CommaList.entries($0) == [$0[...]] }) else {
                    throw TenantMistake("Give \(what) as names of models, one in each text.")
                }
                guard !models.isEmpty else { throw TenantMistake("Give \(what) at least one model, or leave it out.") }
                do throws(ProtectionError) {
                    entry.models = try ModelPolicy(allowed: models.joined(separator: ","))
                } catch {
                    throw TenantMistake("\(what): \(error)")
                }
            case "requests-per-minute": entry.requestsPerMinute = try number(&reader, what, 0...1_000_000)
            case "tokens-per-minute": entry.tokensPerMinute = try number(&reader, what, 0...1_000_000_000)
            case "max-in-flight": entry.maxInFlight = try number(&reader, what, 0...1_000_000)
            case "class":
                let text = try reader.kind() == .string ? string(try reader.string(), reader) : ""
                guard let priority = PriorityClass(name: text) else {
                    throw TenantMistake("Give \(what) as interactive or batch.")
                }
                entry.priority = priority
            case let other:
                throw TenantMistake(
                    "'\(name)' has '\(other.cut(to: 100))', which is no setting: there are keys, models, requests-per-minute, tokens-per-minute, max-in-flight and class."
                )
            }
        }
        guard !entry.keys.isEmpty else { throw TenantMistake("'\(name)' has no keys: make one with 'promptd key'.") }
        return entry
    }

    private static func list(_ reader: inout JSONReader, _ what: String) throws -> [String] {
        guard try reader.kind() == .array else { throw TenantMistake("Give \(what) as a list of texts.") }
        var entries: [String] = []
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            guard try reader.kind() == .string else { throw TenantMistake("Give \(what) as a list of texts.") }
            entries.append(string(try reader.string(), reader))
        }
        return entries
    }

    private static func number(_ reader: inout JSONReader, _ what: String, _ range: ClosedRange<Int>) throws -> Int {
        let skipped = try reader.skipped()
        let text = unsafe String(decoding: reader.bytes[skipped], as: UTF8.self)
        guard let number = Int(text), range.contains(number) else {
            throw TenantMistake("Give \(what) a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }
}
