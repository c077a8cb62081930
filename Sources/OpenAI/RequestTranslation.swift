internal import APIs
internal import JSON

/// Translates a request to Ollama's API into one to OpenAI's: chats and texts to generate into chat completions,
/// embeddings into embeddings.
///
/// Members that neither API knows are passed on. Those of Ollama's that have no counterpart, or the wrong type, are refused
/// by name, so that nothing is lost in silence, and nothing stands in the result twice. Source: Ollama's docs/api;
/// OpenAI's API reference, "Create chat completion"; vLLM's "OpenAI-compatible server", "Extra parameters".
struct RequestTranslation {
    private let body: [UInt8]
    private let endpoint: Endpoint
    /// The names by which the server lists its models.
    private let listed: [String]
    private var messages: MessageTranslation
    /// The members of the result, each with a comma before it.
    private var output = JSONWriter()
    /// The names of the members that have been read, and of those that have been written.
    private var read: Set<String> = []
    private var written: Set<String> = ["model", "messages", "stream", "stream_options"]
    private var model = JSONText("")
    private var prompt, system: JSONText?
    private var images: [JSONText] = []
    private var isStreamed = true
    private var mistake: Untranslatable?

    /// What comes of a request.
    enum Result {
        /// A request to OpenAI's API.
        case request([UInt8])
        /// The request only loads this model, and there is nothing to send: such a server keeps its models loaded.
        case load(model: String)
    }

    /// - Parameters:
    ///   - body: a JSON object, which has been checked.
    ///   - endpoint: the path of Ollama's API to which it was posted.
    ///   - listed: the names by which the server lists its models: they are written exactly so.
    static func translate(
        _ body: [UInt8], from endpoint: Endpoint, listed: [String] = []
    ) throws(Untranslatable) -> Result {
        var translation = RequestTranslation(body, endpoint, listed)
        let isRead = unsafe body.withUnsafeBytes { bytes in
            var reader = unsafe JSONReader(bytes, allowsHalfPairs: true)
            do throws(JSONReader.Malformed) {
                try translation.object(&reader)
                return true
            } catch {
                return false
            }
        }
        if let mistake = translation.mistake ?? translation.messages.mistake { throw mistake }
        guard isRead else { throw Untranslatable("Send messages as Ollama's API has them.") }
        return endpoint.isEmbedding ? .request(translation.embedding) : try translation.chat()
    }

    private init(_ body: [UInt8], _ endpoint: Endpoint, _ listed: [String]) {
        self.body = body
        self.endpoint = endpoint
        self.listed = listed
        messages = MessageTranslation(limit: 2 * body.count + 65_536)
    }

    private var embedding: [UInt8] {
        var writer = JSONWriter()
        writer.reserve(output.bytes.count + 100)
        writer.put("{\"model\":\"")
        writer.put(listedName)
        writer.put("\"")
        writer.put("", JSONValue(output.bytes))
        writer.put("}")
        return writer.bytes
    }

    private func chat() throws(Untranslatable) -> Result {
        var messages = messages
        if endpoint == .generate { messages.add(system: system, prompt: prompt, images: images) }
        if let mistake = messages.mistake { throw mistake }
        if messages.isEmpty { return .load(model: listedName.string) }
        var writer = JSONWriter()
        writer.reserve(output.bytes.count + messages.bytes.count + 200)
        writer.put("{\"model\":\"")
        writer.put(listedName)
        writer.put("\",\"messages\":[")
        writer.put("", JSONValue(messages.bytes))
        writer.put("]")
        writer.put("", JSONValue(output.bytes))
        writer.put(isStreamed ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}" : ",\"stream\":false}")
        return .request(writer.bytes)
    }

    /// The model's name as the server has it, if that is known.
    private var listedName: JSONText {
        listed.isEmpty ? model : ListedName.find(model.string, in: listed).map { JSONText($0) } ?? model
    }

    // MARK: Members

    /// Maximum members of a request, whose names are kept.
    private static let mostMembers = 256

    private mutating func object(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let text = JSONText(name, in: body)
            let string = text.string
            if !read.insert(string).inserted { complain("Give \"\(string.cut(to: 60))\" once.") }
            if read.count > Self.mostMembers {
                complain("Send at most \(Self.mostMembers) members.")
                throw JSONReader.Malformed()
            }
            try member(string, text, &reader)
        }
        try reader.end()
    }

    private mutating func complain(_ sentence: String) {
        if mistake == nil { mistake = Untranslatable(sentence) }
    }

    private mutating func member(
        _ name: String, _ text: JSONText, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) {
        let kind = try reader.kind()
        if kind == .null { return try reader.skipValue() }  // counts as absent
        switch name {
        case "model": if let found = try string(name, &reader) { model = found }
        case "stream": if try expect(.boolean, name, "true or false", &reader) { isStreamed = try reader.boolean() }
        case "messages" where endpoint == .chat:
            if try expect(.array, name, "an array of messages", &reader) { try messages.read(&reader, body) }
        case "prompt" where endpoint == .generate: prompt = try string(name, &reader)
        case "system" where endpoint == .generate: system = try string(name, &reader)
        case "images" where endpoint == .generate:
            if try expect(.array, name, "an array of base64 strings", &reader) {
                images = try messages.images(&reader, body)
            }
        case "prompt" where endpoint == .embeddings:
            put("input", JSONValue(try reader.skipped(), in: body))
        case "options": if try expect(.object, name, "an object", &reader) { try options(&reader) }
        case "format": try format(kind, &reader)
        case "think": try think(kind, &reader)
        case "keep_alive": try keepAlive(&reader)
        case _ where Self.lacking.contains(name): try refuse(name, &reader)
        case _ where Self.openAIs.contains(name):
            complain("Leave out \"\(name)\", which is not Ollama's: say it in Ollama's words.")
            try reader.skipValue()
        default:
            // Ollama would read it as one of its own.
            if let folded = FoldedName.fold(name), folded != name, Self.own.contains(folded) {
                complain("Write the name \"\(folded)\" in lower case.")
            }
            put(name, text, JSONValue(try reader.skipped(), in: body))
        }
    }

    /// Ollama's members that are translated.
    private static let own: Set<String> = [
        "model", "stream", "messages", "prompt", "system", "images", "options", "format", "think", "keep_alive",
        "tools", "input",
    ]

    /// Members of Ollama's requests that OpenAI's API lacks.
    private static let lacking: Set<String> = [
        "template", "raw", "suffix", "context", "truncate", "shift", "width", "height", "steps",
    ]

    /// Members of OpenAI's requests for which Ollama has others, or whose answer Ollama could not have; and those by which
    /// servers limit or multiply the tokens.
    private static let openAIs: Set<String> = [
        "n", "best_of", "max_tokens", "max_completion_tokens", "max_new_tokens", "min_tokens", "n_predict", "n_cmpl",
        "use_beam_search", "response_format", "stream_options", "functions", "function_call", "encoding_format",
    ]

    /// Whether the value is of this kind. If not, it is skipped.
    private mutating func expect(
        _ kind: JSONReader.Kind, _ name: String, _ expected: String, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) -> Bool {
        if try reader.kind() == kind { return true }
        complain("Give \"\(name)\" as \(expected).")
        try reader.skipValue()
        return false
    }

    private mutating func string(
        _ name: String, _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) -> JSONText? {
        guard try expect(.string, name, "a string", &reader) else { return nil }
        return JSONText(try reader.string(), in: body)
    }

    /// Refuses a member, unless it asks for what is so in any case.
    private mutating func refuse(_ name: String, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let value = JSONValue(try reader.skipped(), in: body)
        let isNothing = value.isText("false") || value.isText("\"\"") || value.isText("[]")
        if mistake == nil && !(isNothing && name != "truncate" && name != "shift") { mistake = .noCounterpart(name) }
    }

    /// Appends a member with its name as it is in the body.
    private mutating func put(_ name: String, _ text: JSONText, _ value: JSONValue) {
        guard written.insert(name).inserted else { return complain("Give \"\(name.cut(to: 60))\" once.") }
        output.put(",\"")
        output.put(text)
        output.put("\":", value)
    }

    /// Appends a member.
    private mutating func put(_ name: String, _ value: JSONValue) { put(name, JSONText(name), value) }

    // MARK: What has another form

    private mutating func options(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            let value = JSONValue(try reader.skipped(), in: body)
            if kind != .null { option(JSONText(name, in: body).string, value) }
        }
    }

    private mutating func option(_ name: String, _ value: JSONValue) {
        switch name {
        case "num_predict":
            if value.isText("-1") { return }  // no limit, as without the member
            put("max_tokens", value)
        // The last two are not OpenAI's, but the servers that run models have them under these names.
        case "temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty", "top_k", "min_p":
            put(name, value)
        default:
            if mistake == nil { mistake = .noCounterpart("options.\(name.cut(to: 60))") }
        }
    }

    private mutating func format(_ kind: JSONReader.Kind, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let value = JSONValue(try reader.skipped(), in: body)
        if kind == .object {
            var format = JSONWriter()
            format.put("{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":", value)
            format.put("}}")
            put("response_format", JSONValue(format.bytes))
        } else if value.isText("\"json\"") {
            put("response_format", JSONValue("{\"type\":\"json_object\"}"))
        } else if !value.isText("\"\"") {
            complain("Give \"format\" as \"json\" or as a JSON schema.")
        }
    }

    private mutating func think(_ kind: JSONReader.Kind, _ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let value = JSONValue(try reader.skipped(), in: body)
        switch kind {
        case .string: put("reasoning_effort", value)
        case .boolean: put("reasoning_effort", JSONValue(value.isText("false") ? "\"none\"" : "\"medium\""))
        default: complain("Give \"think\" as true, false or a level.")
        }
    }

    /// Such a server keeps its models loaded. It cannot let them go.
    private mutating func keepAlive(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        let value = JSONValue(try reader.skipped(), in: body)
        let digits = value.bytes.filter { (0x30...0x39).contains($0) }
        if !digits.isEmpty && digits.allSatisfy({ $0 == 0x30 }) {
            complain("Leave out \"keep_alive\": the server of this model cannot unload it.")
        }
    }
}

extension JSONValue {
    func isText(_ json: StaticString) -> Bool {
        unsafe bytes.elementsEqual(UnsafeBufferPointer(start: json.utf8Start, count: json.utf8CodeUnitCount))
    }
}
