/// Decides which models clients may use, and by which other names.
package struct ModelPolicy: Sendable {
    /// The allowed models; empty: any model.
    private var allowed: Set<ModelName> = []
    private var aliases: [ModelName: String] = [:]

    /// Allows any model, by its own name.
    package static let any = Self(offeringAny: ())

    private init(offeringAny: Void) {}

    /// - Parameters:
    ///   - allowed: the models that clients may use, a comma list; any model, if it is empty. The aliases of allowed
    ///     models may be used too.
    ///   - aliases: a comma list of `NAME=MODEL`.
    /// - Throws: `ProtectionError` about the entry that is wrong.
    package init(allowed: String = "", aliases: String = "") throws(ProtectionError) {
        for entry in CommaList.entries(allowed) { self.allowed.insert(ModelName(try Self.name(entry))) }
        for entry in CommaList.entries(aliases) { try add(alias: entry) }
        for (name, target) in self.aliases where self.aliases[ModelName(target)] != nil {
            throw .aliasOfAlias(name.short)
        }
    }

    private mutating func add(alias entry: Substring) throws(ProtectionError) {
        guard let sign = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { throw .alias(String(entry)) }
        let text = CommaList.trimmed(entry[..<sign])
        let target = CommaList.trimmed(entry[entry.utf8.index(after: sign)...])
        guard !text.isEmpty, !target.isEmpty else { throw .alias(String(entry)) }
        let name = ModelName(try Self.name(text))
        let model = try Self.name(target)
        guard allowed.isEmpty || allowed.contains(ModelName(model)) else { throw .aliasNotAllowed(name.short) }
        guard aliases.updateValue(model, forKey: name) == nil else { throw .aliasTwice(name.short) }
    }

    private static func name(_ text: Substring) throws(ProtectionError) -> String {
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .model(String(text)) }
        return String(text)
    }

    /// Whether all models are allowed and there are no aliases, so that nothing must be looked up.
    var isEmpty: Bool { allowed.isEmpty && aliases.isEmpty }

    /// The models that it names.
    var named: Set<ModelName> { allowed.union(aliases.values.map { ModelName($0) }) }

    /// Whether a request for the model with this name is answered.
    package func allows(_ name: String) -> Bool { verdict(on: ModelName(name)) != .refused }

    /// The decision about a request for a model.
    enum Verdict: Equatable, Sendable {
        /// Use the model, by the name that the client gave.
        case asIs
        /// Use this model: the name is an alias of it.
        case instead(String)
        /// The model is not allowed.
        case refused
    }

    /// The names under which clients can use a model, by its own name; empty if they cannot.
    func names(of model: String) -> [String] {
        let name = ModelName(model)
        let others = aliases.filter { ModelName($0.value) == name }.map(\.key.short).sorted()
        return (allowed.isEmpty || allowed.contains(name) ? [model] : []) + others
    }

    func verdict(on model: ModelName) -> Verdict {
        if let target = aliases[model] { return .instead(target) }
        return allowed.isEmpty || allowed.contains(model) ? .asIs : .refused
    }
}
