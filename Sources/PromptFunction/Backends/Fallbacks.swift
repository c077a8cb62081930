/// The models that are asked when no host can serve another one.
package struct Fallbacks: Sendable {
    private var next: [ModelName: String] = [:]

    /// No model has another in its place.
    package static let none = Self()

    private init() {}

    /// - Parameter list: a comma list of `MODEL=OTHER`. What stands for `OTHER` in turn comes after it.
    /// - Throws: `ProtectionError` about the entry that is wrong.
    package init(_ list: String) throws(ProtectionError) {
        for entry in CommaList.entries(list) {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw .fallback(String(entry)) }
            let (model, other) = (CommaList.trimmed(parts[0]), CommaList.trimmed(parts[1]))
            guard Self.isName(model), Self.isName(other) else { throw .fallback(String(entry)) }
            guard next.updateValue(String(other), forKey: ModelName(String(model))) == nil else {
                throw .fallbackTwice(String(model))
            }
        }
        for model in next.keys where chain(of: model).contains(where: { ModelName($0) == model }) {
            throw .fallbackLoop(model.short)
        }
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    package var isEmpty: Bool { next.isEmpty }

    /// The models to ask in place of `model`, one after the other.
    func chain(of model: ModelName) -> [String] {
        var chain: [String] = []
        var current = model
        while let other = next[current], chain.count < next.count {
            chain.append(other)
            current = ModelName(other)
        }
        return chain
    }

    /// All models that are named.
    var named: Set<ModelName> { Set(next.keys).union(others.map { ModelName($0) }) }

    /// The models that may be asked in place of others.
    package var others: [String] { Array(next.values) }
}
