internal import JSON

/// Finds in one object of an answer how many tokens the model has written.
enum TokenCount {
    /// The names under which the APIs say it.
    private static let names: [StaticString] = ["eval_count", "completion_tokens", "output_tokens"]

    private static func isCount(_ reader: JSONReader, _ name: JSONReader.Text) -> Bool {
        names.contains { reader.matches(name, $0) }
    }

    /// The objects in which it may be.
    private static func mayHoldCount(_ reader: JSONReader, _ name: JSONReader.Text) -> Bool {
        reader.matches(name, "usage") || reader.matches(name, "response")
    }

    /// Reads one object. `nil` if it is not JSON, or says nothing about tokens.
    static func find(in json: UnsafeRawBufferPointer) -> Int? {
        var reader = unsafe JSONReader(json, allowsHalfPairs: true)
        return (try? find(&reader, depth: 0)) ?? nil
    }

    /// Looks at the end of an object whose start is not there. `nil` if it says nothing about tokens.
    static func find(inEndOf json: UnsafeRawBufferPointer) -> Int? {
        let text = unsafe String(decoding: json, as: UTF8.self)
        for name in names {
            // In a string the quotes would be escaped.
            guard let match = text.ranges(of: "\"\(name)\":").last else { continue }
            let digits = text[match.upperBound...].drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
            if let number = Int(digits) { return number }
        }
        return nil
    }

    private static func find(_ reader: inout JSONReader, depth: Int) throws(JSONReader.Malformed) -> Int? {
        var isFirst = true
        var count: Int?
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if kind == .object, depth < 2, mayHoldCount(reader, name) {
                count = try find(&reader, depth: depth + 1) ?? count
                continue
            }
            let start = reader.position
            try reader.skipValue()
            guard isCount(reader, name) else { continue }
            let value = unsafe String(
                decoding: UnsafeRawBufferPointer(rebasing: reader.bytes[start..<reader.position]), as: UTF8.self)
            if let number = Int(value.drop { $0 == " " }), number >= 0 { count = number }
        }
        return count
    }
}
