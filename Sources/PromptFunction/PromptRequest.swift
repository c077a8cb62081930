internal import FoundationEssentials
internal import Ollama

/// What a client asks: the body of its POST.
struct PromptRequest: Sendable, Equatable {
    /// What to ask the model; `nil` for the default prompt.
    var prompt: JSONText?
    /// Which model to ask; `nil` for the default model.
    var model: JSONText?

    /// Asked when the body has no `prompt`, as by the function that promptd replaces.
    static let defaultPrompt = JSONText("Who are you?")

    static let notAnObject = #"Send a JSON object, such as {"prompt": "Why is the sky blue?", "model": "llama3.2:1b"}."#

    /// Reads a body. Takes time in proportion to it: for Dispatch.
    ///
    /// - Throws: `PromptFailure.badRequest` with a sentence for the client.
    init(body: [UInt8]) throws(PromptFailure) {
        self = if let scanned = Self(scanning: body) { scanned } else { try Self(decoding: body) }
    }

    /// The same, as Ollama wants it.
    func chat(defaultModel: JSONText) -> ChatRequest {
        ChatRequest(model: model ?? defaultModel, prompt: prompt ?? Self.defaultPrompt, stream: false)
    }
}

extension PromptRequest {
    /// Reads what almost every body looks like, in one pass that checks all of it; `nil` for what is wrong, or only unusual.
    init?(scanning body: [UInt8]) {
        let found = unsafe body.withUnsafeBytes { bytes in
            var reader = unsafe JSONReader(bytes)
            return try? Self.scan(&reader)
        }
        guard let found else { return nil }
        prompt = found.prompt.map { JSONText($0, in: body) }
        model = found.model.map { JSONText($0, in: body) }
    }

    private static func scan(
        _ reader: inout JSONReader
    ) throws(JSONReader.Malformed) -> (prompt: JSONReader.Text?, model: JSONReader.Text?) {
        var prompt: JSONReader.Text?
        var model: JSONReader.Text?
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            if name.hasEscapes { throw JSONReader.Malformed() }  // it might be one of ours
            if reader.matches(name, "prompt") {
                guard prompt == nil else { throw JSONReader.Malformed() }  // which one counts is Foundation's to say
                prompt = try reader.string()
            } else if reader.matches(name, "model") {
                guard model == nil else { throw JSONReader.Malformed() }
                model = try reader.string()
            } else {
                try reader.skipValue()
            }
        }
        try reader.end()
        return (prompt, model)
    }

    private struct Decoded: Decodable {
        var prompt: String?
        var model: String?
    }

    /// Reads any body, by Foundation, which also knows which field is wrong. (It lets some things pass that are not JSON, such as
    /// a comma too many: they are refused before.)
    init(decoding body: [UInt8]) throws(PromptFailure) {
        guard unsafe body.withUnsafeBytes(JSONReader.isValid) else { throw .badRequest(Self.notAnObject) }
        do {
            let decoded = try JSONDecoder().decode(Decoded.self, from: Data(body))
            prompt = decoded.prompt.map(JSONText.init)
            model = decoded.model.map(JSONText.init)
        } catch DecodingError.typeMismatch(_, let context) {
            guard let field = context.codingPath.first?.stringValue else { throw .badRequest(Self.notAnObject) }
            throw .badRequest("Give \"\(field)\" as a string.")
        } catch {
            throw .badRequest(Self.notAnObject)
        }
    }
}
