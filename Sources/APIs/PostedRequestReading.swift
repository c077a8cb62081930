internal import JSON

/// One pass through the body of a `PostedRequest`.
struct PostedRequestReading {
    private let endpoint: Endpoint?
    var model: JSONReader.Text?
    var stream: Bool?
    var hasTools = false
    var promptBytes = 0
    var promptStart: Int?
    var limits = TokenLimits()
    /// A sentence about the first mistake. The rest is still read, since the body may not be JSON at all.
    var complaint: String?
    private var seen: Set<String> = []

    /// The members that are decided on here.
    private enum Member: String {
        case model, stream, tools, options
        case messages, prompt, system, input, instructions, suffix, template
        case numPredict = "num_predict"
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case maxOutputTokens = "max_output_tokens"
    }

    init(_ endpoint: Endpoint?) { self.endpoint = endpoint }

    mutating func object(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        limits.start = reader.position
        while let name = try reader.nextName(isFirst: &isFirst) {
            try member(text(of: name, reader), &reader)
        }
        try reader.end()
    }

    private func text(of name: JSONReader.Text, _ reader: JSONReader) -> String {
        // An escape has at most six bytes for one; longer names are none that matter.
        if name.range.count > 6 * 32 { return "" }
        if name.hasEscapes { return String(decoding: reader.unescaped(name), as: UTF8.self) }
        return unsafe String(decoding: UnsafeRawBufferPointer(rebasing: reader.bytes[name.range]), as: UTF8.self)
    }

    private mutating func member(_ name: String, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        guard let member = Member(rawValue: name) else {
            if let folded = FoldedName.fold(name), Member(rawValue: folded) != nil {
                complain("Write the name \"\(folded)\" in lower case.")
            }
            return try reader.skipValue()
        }
        if !seen.insert(name).inserted { complain("Give \"\(name)\" once.") }
        let kind = try reader.kind()
        switch member {
        case .model:
            if kind == .string {
                model = try reader.string()
            } else {
                try reader.skipValue()
                if kind != .null { complain("Give \"model\" as a string.") }
            }
        case .stream:
            if kind == .boolean { stream = try reader.boolean() } else { try reader.skipValue() }
        case .tools: try tools(kind, &reader)
        case .options: try options(kind, &reader)
        case .messages, .prompt, .system, .input, .instructions, .suffix, .template:
            let start = reader.position
            try reader.skipValue()
            if promptStart == nil { promptStart = start }
            promptBytes += reader.position - start
        case .numPredict, .maxTokens, .maxCompletionTokens, .maxOutputTokens:
            try limit(name, kind, isInOptions: false, &reader)
        }
    }

    private mutating func tools(_ kind: JSONReader.Kind, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        guard kind == .array else { return try reader.skipValue() }
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            hasTools = true
            try reader.skipValue()
        }
    }

    private mutating func options(_ kind: JSONReader.Kind, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let isRead = endpoint?.limitsTokensInOptions ?? false
        guard isRead, kind == .object else {
            let start = reader.position
            try reader.skipValue()
            if kind == .null, isRead { limits.nullOptions = start..<reader.position }
            return
        }
        var isFirst = true
        try reader.begin("{")
        let start = reader.position
        while let name = try reader.nextName(isFirst: &isFirst) {
            try limit(text(of: name, reader), try reader.kind(), isInOptions: true, &reader)
        }
        limits.place = (start, isEmpty: isFirst)
    }

    /// Reads the value of a member that may be a limit of tokens.
    private mutating func limit(
        _ name: String, _ kind: JSONReader.Kind, isInOptions: Bool, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) {
        let start = reader.position
        try reader.skipValue()
        guard let endpoint, isInOptions == endpoint.limitsTokensInOptions else { return }
        if endpoint.tokenLimits.contains(where: { "\($0)" == name }) {
            limits.values.append((name, start..<reader.position, kind == .null))
        }
    }

    private mutating func complain(_ sentence: String) {
        if complaint == nil { complaint = sentence }
    }
}
