/// What a client's Accept field prefers. Source: RFC 9110, 12.5.1.
struct Accept {
    /// Whether JSON weighs more than text; a tie is text.
    let prefersJSON: Bool

    init(_ field: String?) {
        guard let field, field != "*/*" else {  // curl's default needs no look
            prefersJSON = false
            return
        }
        var json = Choice()
        var text = Choice()
        for range in field.split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.trimmingSpaces() }
            guard let type = parts.first?.lowercased() else { continue }
            let weight = parts.dropFirst().lazy.compactMap(Self.weight).first ?? 1
            switch type {
            case "application/json": json.note(weight, precision: 2)
            case "application/*": json.note(weight, precision: 1)
            case "text/plain": text.note(weight, precision: 2)
            case "text/*": text.note(weight, precision: 1)
            case "*/*":
                json.note(weight, precision: 0)
                text.note(weight, precision: 0)
            default: break
            }
        }
        prefersJSON = json.weight > text.weight
    }

    private struct Choice {
        var weight = 0.0
        private var precision = -1

        mutating func note(_ weight: Double, precision: Int) {
            guard precision > self.precision else { return }
            (self.weight, self.precision) = (weight, precision)
        }
    }

    private static func weight(_ parameter: some StringProtocol) -> Double? {
        guard parameter.hasPrefix("q=") || parameter.hasPrefix("Q=") else { return nil }
        return Double(parameter.dropFirst(2)).map { $0.isFinite ? min(max($0, 0), 1) : 0 }
    }
}

extension StringProtocol {
    /// Without the spaces and tabs around it.
    func trimmingSpaces() -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}
