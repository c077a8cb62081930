internal import JSON

/// One pass through the body of a `PostedRequest`.
struct PostedRequestReading {
    private let endpoint: Endpoint?
    var model: JSONReader.Text?
    /// The model in a request that does not ask it: an older name for `model`, which Ollama still knows.
    var name: JSONReader.Text?
    var stream: Bool?
    var hasTools = false
    var isDeterministic = false
    var promptBytes = 0
    var promptStart: Int?
    var limits = TokenLimits()
    /// A sentence about the first mistake. The rest is still read, since the body may not be JSON at all.
    var complaint: String?
    /// The members that have been read, a bit for each.
    private var seen = 0

    /// The members that are decided on here.
    private enum Member: Int {
        case model, stream, tools, options, text, limit, copies
    }

    private static let members: [(name: StaticString, member: Member)] = [
        ("model", .model), ("stream", .stream), ("tools", .tools), ("options", .options), ("messages", .text),
        ("prompt", .text), ("system", .text), ("input", .text), ("instructions", .text), ("suffix", .text),
        ("template", .text), ("num_predict", .limit), ("max_tokens", .limit), ("max_completion_tokens", .limit),
        ("max_output_tokens", .limit), ("n_predict", .limit), ("max_new_tokens", .limit), ("n", .copies),
        ("best_of", .copies), ("n_cmpl", .copies),
    ]

    init(_ endpoint: Endpoint?) { self.endpoint = endpoint }

    mutating func object(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        limits.start = reader.position
        while let name = try reader.nextName(isFirst: &isFirst) {
            try member(name, &reader)
        }
        try reader.end()
    }

    private mutating func member(_ name: JSONReader.Text, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        guard let index = Self.members.firstIndex(where: { reader.matches(name, $0.name) }) else {
            if reader.matches(name, "seed") || reader.matches(name, "temperature") {
                return try decisive(name, try reader.kind(), isInOptions: false, &reader)
            }
            if endpoint == nil, reader.matches(name, "name"), try reader.kind() == .string {
                if self.name != nil { complain("Give \"name\" once.") }
                self.name = try reader.string()
                return
            }
            complainIfFolded(name, reader)
            return try reader.skipValue()
        }
        if seen & 1 << index != 0 { complain("Give \"\(Self.members[index].name)\" once.") }
        seen |= 1 << index
        let kind = try reader.kind()
        switch Self.members[index].member {
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
        case .text:
            let start = reader.position
            if endpoint == .completions, kind == .array {
                limits.hasSeveralPrompts = try isListOfPrompts(&reader) || limits.hasSeveralPrompts
            } else {
                try reader.skipValue()
            }
            if promptStart == nil { promptStart = start }
            promptBytes += reader.position - start
        case .limit: try limit(name, kind, isInOptions: false, &reader)
        case .copies:
            let value = unsafe reader.bytes[try reader.skipped()]
            if kind != .null, unsafe !value.elementsEqual("1".utf8) { limits.copies = "\(Self.members[index].name)" }
        }
    }

    /// Skips an array. Returns whether it has several prompts: texts, or lists of tokens. A list of tokens is one prompt.
    private func isListOfPrompts(_ reader: inout JSONReader) throws(JSONReader.Malformed) -> Bool {
        var isFirst = true
        var count = 0
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            if try reader.kind() != .number { count += 1 }
            try reader.skipValue()
        }
        return count > 1
    }

    /// Complains about a name that Ollama would take for one of those that matter.
    private mutating func complainIfFolded(_ name: JSONReader.Text, _ reader: JSONReader) {
        // An escape has at most six bytes for one; longer names are none that matter.
        guard name.range.count <= 6 * 32 else { return }
        let isPlain = unsafe reader.bytes[name.range].allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) }
        if isPlain { return }
        let folded = FoldedName.fold(String(decoding: reader.unescaped(name), as: UTF8.self))
        if let folded, Self.members.contains(where: { "\($0.name)" == folded }) || (endpoint == nil && folded == "name")
        {
            complain("Write the name \"\(folded)\" in lower case.")
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
            let kind = try reader.kind()
            if reader.matches(name, "seed") || reader.matches(name, "temperature") {
                try decisive(name, kind, isInOptions: true, &reader)
            } else {
                try limit(name, kind, isInOptions: true, &reader)
            }
        }
        limits.place = (start, isEmpty: isFirst)
    }

    /// Reads the value of a member that may be a limit of tokens.
    private mutating func limit(
        _ name: JSONReader.Text, _ kind: JSONReader.Kind, isInOptions: Bool, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) {
        let start = reader.position
        try reader.skipValue()
        guard let endpoint, isInOptions == endpoint.limitsTokensInOptions else { return }
        guard let own = endpoint.tokenLimits.first(where: { reader.matches(name, $0) }) else { return }
        limits.values.append(("\(own)", start..<reader.position, kind == .null))
    }

    /// Reads a seed or a temperature.
    private mutating func decisive(
        _ name: JSONReader.Text, _ kind: JSONReader.Kind, isInOptions: Bool, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) {
        let value = unsafe reader.bytes[try reader.skipped()]
        guard kind == .number, isInOptions == endpoint?.limitsTokensInOptions else { return }
        guard let number = unsafe Double(String(decoding: value, as: UTF8.self)) else { return }
        if reader.matches(name, "seed") ? number >= 0 : number == 0 { isDeterministic = true }  // below 0 it is random
    }

    private mutating func complain(_ sentence: String) {
        if complaint == nil { complaint = sentence }
    }

    /// Where a body says how its model is loaded.
    static func loadOptions(of body: [UInt8]) -> (options: Range<Int>?, keepAlive: Range<Int>?) {
        unsafe body.withUnsafeBytes { bytes in
            var reader = unsafe JSONReader(bytes, allowsHalfPairs: true)
            return (try? loadOptions(&reader)) ?? (nil, nil)
        }
    }

    private static func loadOptions(
        _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) -> (options: Range<Int>?, keepAlive: Range<Int>?) {
        var (options, keepAlive): (Range<Int>?, Range<Int>?)
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            _ = try reader.peek()
            let start = reader.position
            try reader.skipValue()
            if reader.matches(name, "options") { options = start..<reader.position }
            if reader.matches(name, "keep_alive") { keepAlive = start..<reader.position }
        }
        return (options, keepAlive)
    }
}
