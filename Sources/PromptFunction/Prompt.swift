internal import APIs
internal import JSON
internal import HTTPClient
internal import Ollama

/// A prompt that is ready to send: the request to a host, and what else is needed to serve it.
final class Prompt: Sendable {
    let model: ModelName
    /// The name under which hosts that fail are remembered: the model's and, if it is passed on, the path's. A host may
    /// lack one path, and serve others.
    let pauseName: ModelName
    /// The model's name in messages to the client.
    let modelText: String
    let payload: Payload
    /// A hash of the prompt's beginning: prompts that begin alike go to the same backend.
    let prefix: UInt64
    /// The length of its text, from which its tokens are estimated; 0 if there are no tenants. Of images in messages, it
    /// has 4,000 bytes at most.
    let textBytes: Int
    let isStreamed: Bool
    let hasTools: Bool
    let timeouts: PromptTimeouts
    /// A hash of the payload; `nil` if the prompt may not share a generation with others.
    let sharingHash: Int?

    /// Maximum bytes of a model's name. It is kept and shown in many places.
    private static let maxModelBytes = 1024
    /// Maximum bytes of a prompt that shares a generation: the bytes are compared on the loop's thread.
    private static let maxShared = 256 * 1024

    /// The rules that a body must follow.
    struct Rules: Sendable {
        let defaultModel: JSONText
        let models: ModelPolicy
        let maxPromptBytes: Int
        let maxPredict: Int
        /// Whether deterministic prompts that are equal share a generation.
        let coalesces: Bool
        /// Whether somebody pays for tokens, so that they are estimated.
        let hasTenants: Bool
    }

    private static func sharingHash(of json: [UInt8], _ isDeterministic: Bool, _ rules: Rules) -> Int? {
        rules.coalesces && isDeterministic && json.count <= maxShared ? json.hashValue : nil
    }

    /// Reads a body and writes Ollama's request body. The time depends on the body's size, so call it on Dispatch.
    ///
    /// - Parameter needsPrompt: whether a body without `prompt` is refused, by `.noPrompt`.
    init(body: [UInt8], needsPrompt: Bool = false, _ rules: Rules) throws(PromptFailure) {
        let request = try PromptRequest(body: body, needsPrompt: needsPrompt)
        if rules.maxPromptBytes > 0 && request.promptBytes > rules.maxPromptBytes {
            throw .forbidden("Send at most \(rules.maxPromptBytes) bytes of prompt and messages.")
        }
        var chat = request.chat(defaultModel: rules.defaultModel)
        try Self.limit(&chat, request, maxPredict: rules.maxPredict)
        let (text, other) = try Self.allowed(chat.model.string, rules.models)
        if let other { chat.model = other }
        let json = chat.json
        model = ModelName(text)
        pauseName = model
        modelText = text
        textBytes = rules.hasTenants ? request.promptBytes - EmbeddedFiles.excess(in: request.messages?.bytes ?? []) : 0
        payload = Payload(json)
        // The first message comes after the model's name.
        prefix = PromptPrefix.hash(json.dropFirst(chat.model.bytes.count))
        isStreamed = request.stream
        hasTools = request.hasTools
        timeouts = request.timeouts
        // A client's own timeouts are not those of others.
        let isAlike = request.isDeterministic && timeouts == PromptTimeouts()
        sharingHash = Self.sharingHash(of: json, isAlike, rules)
    }

    /// Reads the body of a request that is passed on. The time depends on the body's size, so call it on Dispatch.
    ///
    /// - Parameter endpoint: `nil` if the request names a model, but does not ask it.
    init(passingOn body: [UInt8], to endpoint: Endpoint?, _ rules: Rules) throws(PromptFailure) {
        let body = body.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(body.dropFirst(3)) : body
        let passedOn: [UInt8]
        let request: PostedRequest
        var other: JSONText?
        do throws(PostedRequest.Mistake) {
            request = try PostedRequest(body, to: endpoint)
        } catch {
            throw Self.failure(error, body)
        }
        if rules.maxPromptBytes > 0 && request.promptBytes > rules.maxPromptBytes {
            throw .forbidden("Send at most \(rules.maxPromptBytes) bytes of prompt and messages.")
        }
        (modelText, other) = try Self.allowed(request.model.string, rules.models)
        do throws(PostedRequest.Mistake) {
            passedOn = try request.body(model: other, maxTokens: rules.maxPredict > 0 ? rules.maxPredict : nil)
        } catch {
            throw Self.failure(error, body)
        }
        model = ModelName(modelText)
        let isElsewhere = endpoint.map { $0 != .chat } ?? false
        pauseName = isElsewhere ? ModelName("\(model) \(endpoint?.rawValue ?? "")") : model
        payload = Payload(passedOn)
        prefix = PromptPrefix.hash(request.prompt)
        textBytes = rules.hasTenants ? max(0, request.promptBytes - EmbeddedFiles.excess(in: body[...])) : 0
        isStreamed = request.isStreamed
        hasTools = request.hasTools
        timeouts = PromptTimeouts()
        sharingHash = endpoint == nil ? nil : Self.sharingHash(of: passedOn, request.isDeterministic, rules)
    }

    /// The same prompt for another model. The time depends on its size, so call it on Dispatch.
    ///
    /// - Returns: `nil` if the model's name cannot be replaced.
    func asking(_ other: String) -> Prompt? {
        let body = payload.copy()
        guard let request = try? PostedRequest(body, to: nil),
            let json = try? request.body(model: JSONText(other), maxTokens: nil)
        else { return nil }
        return Prompt(self, asking: other, Payload(json))
    }

    /// Maximum bytes of a request that only loads a model. Options are short, unless a client means harm.
    static let maxLoadRequest = 64 * 1024

    /// A request that only loads the model, with the prompt's options. The time depends on the prompt's size, so call it on
    /// Dispatch.
    ///
    /// - Returns: `nil` if it would be longer than `maxLoadRequest`.
    var loadRequest: [UInt8]? {
        let request = PostedRequest.loadBody(model: JSONText(modelText), as: payload.copy())
        return request.count <= Self.maxLoadRequest ? request : nil
    }

    private init(_ prompt: Prompt, asking other: String, _ payload: Payload) {
        model = ModelName(other)
        pauseName = model
        modelText = other
        self.payload = payload
        prefix = prompt.prefix
        textBytes = prompt.textBytes
        isStreamed = prompt.isStreamed
        hasTools = prompt.hasTools
        timeouts = prompt.timeouts
        sharingHash = nil
    }

    private static func failure(_ mistake: PostedRequest.Mistake, _ body: [UInt8]) -> PromptFailure {
        switch mistake {
        case .malformed(let mistake): .badRequest(mistake.sentence(about: body, "Send a JSON object."))
        case .complaint(let sentence): .badRequest(sentence)
        case .noModel: .badRequest("model is required")
        case .severalPrompts: .forbidden("Give one prompt in each request.")
        case .tooManyTokens(let name, let limit): .forbidden("Give \(name) as a number from 0 to \(limit).")
        }
    }

    /// Returns the name of the model to ask; and the same as JSON if it differs from the one that the client gave.
    private static func allowed(
        _ text: String, _ models: ModelPolicy
    ) throws(PromptFailure) -> (String, other: JSONText?) {
        guard text.utf8.count <= maxModelBytes else {
            throw .badRequest("Give \"model\" a name of at most \(maxModelBytes) bytes.")
        }
        if models.isEmpty { return (text, nil) }
        switch models.verdict(on: ModelName(text)) {
        case .asIs: return (text, nil)
        case .instead(let other): return (other, JSONText(other))
        case .refused: throw .forbidden("The model '\(text.cut(to: 200))' is not allowed here: ask another model.")
        }
    }

    /// Enforces the maximum of `num_predict`, and sets it if the request has none: otherwise Ollama could generate
    /// forever.
    private static func limit(
        _ chat: inout ChatRequest, _ request: PromptRequest, maxPredict: Int
    ) throws(PromptFailure) {
        guard maxPredict > 0 else { return }
        if let wanted = request.numPredict {
            guard wanted >= 0 && wanted <= maxPredict else {
                throw .forbidden("Give options.num_predict as a number from 0 to \(maxPredict).")
            }
        } else {
            chat.options = (chat.options ?? JSONValue("{}")).adding("\"num_predict\":\(maxPredict)")
        }
    }
}
