internal import APIs
internal import JSON

/// Translates a request to Ollama's API into one to OpenAI's: chats and texts to generate into chat completions,
/// embeddings into embeddings.
///
/// Members that neither API knows are passed on. Those of Ollama's that have no counterpart are refused by name, so that
/// nothing is lost in silence. Source: Ollama's docs/api; OpenAI's API reference, "Create chat completion"; vLLM's
/// "OpenAI-compatible server", "Extra parameters".
struct RequestTranslation {
    private let body: [UInt8]
    private let endpoint: Endpoint
    private var messages = MessageTranslation()
    /// The members of the result, each with a comma before it.
    private var output = JSONWriter()
    private var model: JSONText?
    private var prompt, system: JSONText?
    private var images: [JSONText] = []
    private var isStreamed = true
    private var mistake: Untranslatable?

    /// - Parameters:
    ///   - body: a JSON object, which has been checked.
    ///   - endpoint: the path of Ollama's API to which it was posted.
    static func translate(_ body: [UInt8], from endpoint: Endpoint) throws(Untranslatable) -> [UInt8] {
        var translation = RequestTranslation(body, endpoint)
        let isRead = unsafe body.withUnsafeBytes { bytes in
            var reader = unsafe JSONReader(bytes, allowsHalfPairs: true)
            do throws(JSONReader.Malformed) {
                try translation.object(&reader)
                return true
            } catch {
                return false
            }
        }
        if let mistake = translation.mistake { throw mistake }
        guard isRead else { throw Untranslatable("Send messages as Ollama's API has them.") }
        return endpoint.isEmbedding ? translation.embedding : try translation.chat()
    }

    private init(_ body: [UInt8], _ endpoint: Endpoint) {
        self.body = body
        self.endpoint = endpoint
    }

    private var embedding: [UInt8] {
        var writer = JSONWriter()
        writer.reserve(output.bytes.count + 100)
        writer.put("{\"model\":\"")
        if let model { writer.put(model) }
        writer.put("\"")
        writer.put("", JSONValue(output.bytes))
        writer.put("}")
        return writer.bytes
    }

    private func chat() throws(Untranslatable) -> [UInt8] {
        var messages = messages
        if endpoint == .generate { messages.add(system: system, prompt: prompt, images: images) }
        guard !messages.isEmpty else {
            throw Untranslatable("Send a prompt: the server of this model has it loaded.")
        }
        var writer = JSONWriter()
        writer.reserve(output.bytes.count + messages.bytes.count + 200)
        writer.put("{\"model\":\"")
        if let model { writer.put(model) }
        writer.put("\",\"messages\":[")
        writer.put("", JSONValue(messages.bytes))
        writer.put("]")
        writer.put("", JSONValue(output.bytes))
        writer.put(isStreamed ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}" : ",\"stream\":false}")
        return writer.bytes
    }

    // MARK: Members

    private mutating func object(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            try member(JSONText(name, in: body).string, name, &reader)
        }
        try reader.end()
    }

    private mutating func member(
        _ name: String, _ text: JSONReader.Text, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) {
        let kind = try reader.kind()
        if kind == .null { return try reader.skipValue() }  // counts as absent
        switch name {
        case "model" where kind == .string: model = JSONText(try reader.string(), in: body)
        case "stream" where kind == .boolean: isStreamed = try reader.boolean()
        case "messages" where endpoint == .chat && kind == .array: try messages.read(&reader, body)
        case "prompt" where endpoint == .generate && kind == .string: prompt = JSONText(try reader.string(), in: body)
        case "system" where endpoint == .generate && kind == .string: system = JSONText(try reader.string(), in: body)
        case "images" where endpoint == .generate && kind == .array:
            images = try MessageTranslation.images(&reader, body)
        case "prompt" where endpoint == .embeddings: put("input", JSONValue(try reader.skipped(), in: body))
        case "options" where kind == .object: try options(&reader)
        case "format": try format(kind, &reader)
        case "think": try think(kind, &reader)
        case "keep_alive": try keepAlive(&reader)
        case _ where Self.lacking.contains(name): try refuse(name, &reader)
        case "n", "max_tokens", "max_completion_tokens", "response_format", "stream_options":
            if mistake == nil {
                mistake = Untranslatable("Leave out \"\(name)\", which is OpenAI's: say it in Ollama's words.")
            }
            try reader.skipValue()
        default: put(text, JSONValue(try reader.skipped(), in: body))
        }
    }

    /// Members of Ollama's requests that OpenAI's API lacks.
    private static let lacking: Set<String> = [
        "template", "raw", "suffix", "context", "truncate", "shift", "width", "height", "steps",
    ]

    /// Refuses a member, unless it asks for what is so in any case.
    private mutating func refuse(_ name: String, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let value = JSONValue(try reader.skipped(), in: body)
        let isNothing = value.isText("false") || value.isText("\"\"") || value.isText("[]")
        if mistake == nil && !(isNothing && name != "truncate" && name != "shift") { mistake = .noCounterpart(name) }
    }

    /// Appends a member with its name as it is in the body.
    private mutating func put(_ name: JSONReader.Text, _ value: JSONValue) {
        output.put(",\"")
        output.put(JSONText(name, in: body))
        output.put("\":", value)
    }

    /// Appends a member.
    private mutating func put(_ name: StaticString, _ value: JSONValue) {
        output.put(",\"")
        output.put(name)
        output.put("\":", value)
    }

    // MARK: What has another form

    private mutating func options(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            let value = JSONValue(try reader.skipped(), in: body)
            if kind != .null { option(JSONText(name, in: body).string, name, value) }
        }
    }

    private mutating func option(_ name: String, _ text: JSONReader.Text, _ value: JSONValue) {
        switch name {
        case "num_predict":
            if value.isText("-1") { return }  // no limit, as without the member
            put("max_tokens", value)
        // The last two are not OpenAI's, but the servers that run models have them under these names.
        case "temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty", "top_k", "min_p":
            put(text, value)
        default:
            if mistake == nil { mistake = .noCounterpart("options.\(name.prefix(60))") }
        }
    }

    private mutating func format(_ kind: JSONReader.Kind, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let value = JSONValue(try reader.skipped(), in: body)
        if kind == .object {
            output.put(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\"")
            output.put(",\"strict\":true,\"schema\":", value)
            output.put("}}")
        } else if value.isText("\"json\"") {
            output.put(",\"response_format\":{\"type\":\"json_object\"}")
        } else if !value.isText("\"\"") {
            mistake = mistake ?? Untranslatable("Give \"format\" as \"json\" or as a JSON schema.")
        }
    }

    private mutating func think(_ kind: JSONReader.Kind, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let value = JSONValue(try reader.skipped(), in: body)
        switch kind {
        case .string: put("reasoning_effort", value)
        case .boolean: put("reasoning_effort", JSONValue(value.isText("false") ? "\"none\"" : "\"medium\""))
        default: mistake = mistake ?? Untranslatable("Give \"think\" as true, false or a level.")
        }
    }

    /// Such a server keeps its models loaded. It cannot let them go.
    private mutating func keepAlive(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let value = JSONValue(try reader.skipped(), in: body)
        let digits = value.bytes.filter { (0x30...0x39).contains($0) }
        if mistake == nil && digits.allSatisfy({ $0 == 0x30 }) {
            mistake = Untranslatable("Leave out \"keep_alive\": the server of this model cannot unload it.")
        }
    }
}

extension JSONValue {
    func isText(_ json: StaticString) -> Bool {
        unsafe bytes.elementsEqual(UnsafeBufferPointer(start: json.utf8Start, count: json.utf8CodeUnitCount))
    }
}
