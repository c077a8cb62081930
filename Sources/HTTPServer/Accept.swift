/// The preferences in a client's Accept field. Source: RFC 9110, 12.5.1.
struct Accept {
    private let ranges: [Range]

    /// One element of the field: the types it covers and its weight.
    private struct Range {
        let type: Substring
        let subtype: Substring
        let weight: Double
    }

    init(_ field: String?) {
        guard let field, field != "*/*" else {  // curl's default: no need to parse it
            ranges = []
            return
        }
        ranges = field.lowercased().split(separator: ",").compactMap { element in
            let parts = element.split(separator: ";").map { $0.trimmingSpaces() }
            guard let name = parts.first, let slash = name.firstIndex(of: "/") else { return nil }
            return Range(
                type: name[..<slash], subtype: name[name.index(after: slash)...],
                weight: parts.dropFirst().lazy.compactMap(Self.weight).first ?? 1)
        }
    }

    /// Returns the type in `offered` with the highest weight. On a tie, a type that the field names wins over one that
    /// only a wildcard covers; after that, the first wins. If the client accepts none, returns the first: a response in
    /// another form is better than none.
    func choice(of offered: [MediaType]) -> MediaType {
        var best = (index: 0, weight: 0.0, precision: -1)
        guard !ranges.isEmpty else { return offered[0] }
        for (index, type) in offered.enumerated() {
            let (weight, precision) = standing(of: type)
            if weight > best.weight || (weight == best.weight && weight > 0 && precision > best.precision) {
                best = (index, weight, precision)
            }
        }
        return offered[best.index]
    }

    /// The weight that the most precise element gives to `offered`, and its precision: 2 for the type itself, 1 for
    /// `type/*`, 0 for `*/*`.
    private func standing(of offered: MediaType) -> (weight: Double, precision: Int) {
        var standing = (weight: 0.0, precision: -1)
        for range in ranges {
            let precision: Int
            switch (range.type, range.subtype) {
            case (offered.type[...], offered.subtype[...]): precision = 2
            case (offered.type[...], "*"): precision = 1
            case ("*", "*"): precision = 0
            default: continue
            }
            if precision > standing.precision { standing = (range.weight, precision) }
        }
        return standing
    }

    private static func weight(_ parameter: Substring) -> Double? {
        guard parameter.hasPrefix("q=") else { return nil }
        return Double(parameter.dropFirst(2)).map { $0.isFinite ? min(max($0, 0), 1) : 0 }
    }
}

extension Substring {
    /// The text without the spaces and tabs around it.
    func trimmingSpaces() -> Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return self[first...last]
    }
}
