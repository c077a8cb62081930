internal import JSON

/// Lists of models, as Ollama's and OpenAI's APIs have them.
package enum ModelListing {
    /// Puts the lists of several hosts together, each model once.
    ///
    /// - Parameters:
    ///   - bodies: the hosts' responses. What is not such a list is left out.
    ///   - names: the names under which a model is listed, by its own name; empty if it is not listed.
    /// - Returns: `nil` if no response is a list.
    package static func merged(_ bodies: [[UInt8]], of listing: Listing, names: (String) -> [String]) -> [UInt8]? {
        var writer = JSONWriter()
        writer.put(listing == .models ? "{\"object\":\"list\",\"data\":[" : "{\"models\":[")
        var seen: Set<String> = []
        var isFirst = true
        var hasList = false
        for body in bodies {
            guard let entries = entries(body, listing == .models ? "data" : "models") else { continue }
            hasList = true
            for entry in entries {
                guard let own = entry.names.first.map({ JSONText($0, in: body).string }) else { continue }
                // The same model may be loaded on several hosts.
                for name in names(own) where listing == .running || seen.insert(name).inserted {
                    if !isFirst { writer.put(",") }
                    isFirst = false
                    writer.put("", JSONValue(entry.json(in: body, name: name == own ? nil : JSONText(name))))
                }
            }
        }
        writer.put("]}")
        return hasList ? writer.bytes : nil
    }

    private struct Entry {
        var range: Range<Int>
        /// The values that are the model's name.
        var names: [JSONReader.Text]

        /// The entry, under another name if it is given.
        func json(in body: [UInt8], name: JSONText?) -> [UInt8] {
            guard let name else { return Array(body[range]) }
            var output: [UInt8] = []
            var position = range.lowerBound
            for text in names {
                output += body[position..<text.range.lowerBound]
                output += name.bytes
                position = text.range.upperBound
            }
            return output + body[position..<range.upperBound]
        }
    }

    /// The elements of the array `member`; `nil` if there is none, or the body is not JSON.
    private static func entries(_ body: [UInt8], _ member: StaticString) -> [Entry]? {
        unsafe body.withUnsafeBytes { bytes in
            var reader = unsafe JSONReader(bytes, allowsHalfPairs: true)
            return (try? entries(&reader, member)) ?? nil
        }
    }

    private static func entries(
        _ reader: inout JSONReader, _ member: StaticString
    ) throws(JSONReader.Malformed) -> [Entry]? {
        var entries: [Entry]?
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            guard reader.matches(name, member), try reader.kind() == .array else {
                try reader.skipValue()
                continue
            }
            var found: [Entry] = []
            var isFirstElement = true
            try reader.begin("[")
            while try reader.nextElement(isFirst: &isFirstElement, before: "]") {
                if let entry = try entry(&reader) { found.append(entry) }
            }
            entries = found
        }
        try reader.end()
        return entries
    }

    private static func entry(_ reader: inout JSONReader) throws(JSONReader.Malformed) -> Entry? {
        guard try reader.kind() == .object else {
            try reader.skipValue()
            return nil
        }
        let start = reader.position
        var names: [JSONReader.Text] = []
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let isName = reader.matches(name, "name") || reader.matches(name, "model") || reader.matches(name, "id")
            if isName, try reader.kind() == .string {
                names.append(try reader.string())
            } else {
                try reader.skipValue()
            }
        }
        return Entry(range: start..<reader.position, names: names)
    }
}
