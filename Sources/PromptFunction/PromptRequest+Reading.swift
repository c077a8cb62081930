internal import JSON

extension PromptRequest {
    static let notAnObject = #"Send a JSON object, such as {"prompt": "Why is the sky blue?", "model": "llama3.2:1b"}."#

    /// Reads a body, in one pass that checks all of it. The time depends on the body's size, so call it on Dispatch.
    ///
    /// A byte order mark is skipped, as some editors and libraries write one. Source: RFC 8259, 8.1.
    ///
    /// If a name occurs more than once, the last value counts. `null` counts as absent. Members with unknown names are
    /// passed on to Ollama.
    ///
    /// - Parameter needsPrompt: whether a body without `prompt` is refused.
    /// - Throws: `PromptFailure.badRequest` with a sentence for the client, or `.noPrompt`.
    init(body: [UInt8], needsPrompt: Bool = false) throws(PromptFailure) {
        let body = body.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(body.dropFirst(3)) : body
        var reading = Reading(body)
        let outcome = unsafe body.withUnsafeBytes { bytes in
            var reader = unsafe JSONReader(bytes)
            do throws(JSONReader.Malformed) {
                try reading.object(&reader)
                return nil as JSONMistake?
            } catch {
                return JSONMistake(reader)
            }
        }
        if let mistake = outcome { throw .badRequest(mistake.sentence(about: body, Self.notAnObject)) }
        if needsPrompt && !reading.hasPrompt { throw .noPrompt }
        if let complaint = reading.complaint { throw .badRequest(complaint) }
        self = reading.request
        if images != nil && prompt == nil && messages != nil {
            throw .badRequest("Put \"images\" into the message that they belong to, or send a \"prompt\" with them.")
        }
    }
}

/// One pass through a body.
private struct Reading {
    let body: [UInt8]
    var request = PromptRequest()
    /// Whether there is a prompt, of whatever type.
    private(set) var hasPrompt = false
    /// A sentence about the first invalid field. The rest is still read, since the body may not be JSON at all.
    var complaint: String?
    /// Members with unknown names, with commas between them.
    private var others: [UInt8] = []

    init(_ body: [UInt8]) { self.body = body }

    mutating func object(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            try member(name.hasEscapes ? JSONText(name, in: body).string : plain(name), name, &reader)
        }
        try reader.end()
        if !others.isEmpty { request.others = JSONValue(others) }
    }

    /// Returns a name without escapes; an empty string for names too long to be known.
    private func plain(_ name: JSONReader.Text) -> String {
        name.range.count > 12 ? "" : String(decoding: body[name.range], as: UTF8.self)
    }

    /// Reads the member `name`, whose text in the body is `text`.
    private mutating func member(
        _ name: String, _ text: JSONReader.Text, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) {
        switch name {
        case "prompt":
            hasPrompt = try reader.kind() != .null
            try string(\.prompt, name, &reader)
        case "model": try string(\.model, name, &reader)
        case "system": try string(\.system, name, &reader)
        case "stream": request.stream = try boolean(name, &reader) ?? false
        case "messages": request.messages = try messages(&reader)
        case "images": request.images = try array(of: .string, name, &reader, "an array of base64 strings")
        case "tools": request.tools = try array(of: .object, name, &reader, "an array of objects")
        case "options": request.options = try options(&reader)
        case "think": request.think = try value(name, &reader, [.boolean, .string], "true, false or a level")
        case "keep_alive":
            request.keepAlive = try value(name, &reader, [.string, .number], "a duration or a number of seconds")
        case "format": request.format = try format(&reader)
        case "timeout": try timeouts(&reader)
        default: try other(text, &reader)
        }
    }

    /// Keeps a member that promptd does not know.
    ///
    /// Ollama compares names without regard to case: `"Model"` is its `model`. Such a name would evade what is decided
    /// here, so it is rejected; so is `"Prompt"`, which would be ignored. Source: Go's encoding/json, Unmarshal.
    private mutating func other(_ name: JSONReader.Text, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let folded = FoldedName.fold(JSONText(name, in: body).string)
        try reader.skipValue()
        if let folded, Self.names.contains(folded) {
            if complaint == nil { complaint = "Write the name \"\(folded)\" in lower case." }
            return
        }
        if !others.isEmpty { others.append(UInt8(ascii: ",")) }
        others += body[(name.range.lowerBound - 1)..<reader.position]
    }

    /// The names that must not be written differently: those that Ollama would take for its own, and those of ours that
    /// it would ignore.
    private static let names: Set<String> = [
        "model", "messages", "stream", "format", "options", "think", "tools", "keep_alive", "prompt", "system",
        "images", "timeout",
    ]

    private mutating func complain(_ name: String, _ expected: String) {
        if complaint == nil { complaint = "Give \"\(name)\" as \(expected)." }
    }

    // MARK: Kinds of values

    private mutating func string(
        _ path: WritableKeyPath<PromptRequest, JSONText?>, _ name: String, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) {
        switch try reader.kind() {
        case .string: request[keyPath: path] = JSONText(try reader.string(), in: body)
        case .null:
            try reader.skipValue()
            request[keyPath: path] = nil
        default:
            try reader.skipValue()
            complain(name, "a string")
        }
    }

    private mutating func boolean(_ name: String, _ reader: inout JSONReader) throws(JSONReader.Malformed) -> Bool? {
        switch try reader.kind() {
        case .boolean: return try reader.boolean()
        case .null: try reader.skipValue()
        default:
            try reader.skipValue()
            complain(name, "true or false")
        }
        return nil
    }

    /// Returns a value of one of these kinds, unchanged.
    private mutating func value(
        _ name: String, _ reader: inout JSONReader, _ kinds: Set<JSONReader.Kind>, _ expected: String
    ) throws(JSONReader.Malformed) -> JSONValue? {
        let kind = try reader.kind()
        let start = reader.position
        try reader.skipValue()
        if kind == .null { return nil }
        if !kinds.contains(kind) { complain(name, expected) }
        return JSONValue(start..<reader.position, in: body)
    }

    /// Reads an array whose elements are all of one kind.
    private mutating func array(
        of wanted: JSONReader.Kind, _ name: String, _ reader: inout JSONReader, _ expected: String
    ) throws(JSONReader.Malformed) -> JSONValue? {
        guard try reader.kind() == .array else { return try value(name, &reader, [], expected) }
        let start = reader.position
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            if try reader.kind() != wanted { complain(name, expected) }
            try reader.skipValue()
        }
        return JSONValue(start..<reader.position, in: body)
    }

    /// Source: Ollama's docs/api: "json", or a schema.
    private mutating func format(_ reader: inout JSONReader) throws(JSONReader.Malformed) -> JSONValue? {
        let expected = "\"json\" or as a JSON schema"
        let isString = try reader.kind() == .string
        guard let found = try value("format", &reader, [.string, .object], expected) else { return nil }
        if found.bytes.elementsEqual("\"\"".utf8) { return nil }  // to Ollama, and so to its clients, this is no format
        if isString && !found.bytes.elementsEqual("\"json\"".utf8) { complain("format", expected) }
        return found
    }

    /// Reads the options, of which a few matter here.
    private mutating func options(_ reader: inout JSONReader) throws(JSONReader.Malformed) -> JSONValue? {
        (request.numPredict, request.isDeterministic) = (nil, false)
        guard try reader.kind() == .object else { return try value("options", &reader, [], "an object") }
        let start = reader.position
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let isLength = reader.matches(name, "num_predict")
            let isDecisive = reader.matches(name, "seed") || reader.matches(name, "temperature")
            let found = try value("num_predict", &reader, isLength ? [.number] : .any, "a number")
            if isLength { request.numPredict = found.flatMap { Int(String(decoding: $0.bytes, as: UTF8.self)) ?? -1 } }
            if isDecisive, let found { noteDecision(reader.matches(name, "seed"), found) }
        }
        return JSONValue(start..<reader.position, in: body)
    }

    private mutating func noteDecision(_ isSeed: Bool, _ value: JSONValue) {
        guard let number = Double(String(decoding: value.bytes, as: UTF8.self)) else { return }
        if isSeed ? number >= 0 : number == 0 { request.isDeterministic = true }  // below 0 it is random
    }

    // MARK: Messages

    /// Reads the messages; returns the text between the array's brackets.
    private mutating func messages(_ reader: inout JSONReader) throws(JSONReader.Malformed) -> JSONValue? {
        guard try reader.kind() == .array else { return try value("messages", &reader, [], "an array of messages") }
        let start = reader.position + 1
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            if try reader.kind() == .object {
                try message(&reader)
            } else {
                complain("messages", "an array of objects, each with \"role\" and \"content\"")
                try reader.skipValue()
            }
        }
        return JSONValue(start..<(reader.position - 1), in: body)
    }

    private mutating func message(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        var hasRole = false
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            if reader.matches(name, "role") {
                hasRole = try reader.kind() == .string
                try reader.skipValue()
            } else if reader.matches(name, "content") {
                let kind = try reader.kind()
                if kind != .string && kind != .null { complain("content", "a string in each of \"messages\"") }
                try reader.skipValue()
            } else if reader.matches(name, "images") {
                _ = try array(of: .string, "images", &reader, "an array of base64 strings")
            } else if reader.matches(name, "tool_calls") {
                _ = try array(of: .object, "tool_calls", &reader, "an array of objects")
            } else {
                try reader.skipValue()
            }
        }
        if !hasRole { complain("role", "a string in each of \"messages\"") }
    }

    // MARK: Timeouts

    /// Reads `"timeout": 30`, `"timeout": "30s"`, or an object of such values.
    private mutating func timeouts(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        switch try reader.kind() {
        case .null: try reader.skipValue()
        case .object:
            var isFirst = true
            try reader.begin("{")
            while let name = try reader.nextName(isFirst: &isFirst) {
                let path: WritableKeyPath<PromptTimeouts, Duration?>? = PromptTimeouts.path(plain(name))
                let duration = try duration(&reader)
                if let path { request.timeouts[keyPath: path] = duration }
            }
        default: request.timeouts.total = try duration(&reader)
        }
    }

    private mutating func duration(_ reader: inout JSONReader) throws(JSONReader.Malformed) -> Duration? {
        let expected =
            "a number of seconds, a duration such as \"500ms\" or \"30s\", or an object such as {\"total\": \"1m\"}"
        guard let found = try value("timeout", &reader, [.string, .number], expected) else { return nil }
        let text = String(decoding: found.bytes, as: UTF8.self)
        guard complaint == nil, let duration = PromptTimeouts.duration(text) else {
            complain("timeout", expected)
            return nil
        }
        return duration
    }
}

extension Set<JSONReader.Kind> {
    fileprivate static let any: Self = [.string, .number, .boolean, .null, .object, .array]
}
