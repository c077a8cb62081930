import FoundationEssentials
import JSON
import Ollama

@testable import HTTPClient
@testable import PromptFunction

/// Reads the bytes as the body of a POST, and compares what becomes of it with what a simple reader finds.
enum PromptCheck {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        let members = members(text)
        try compareWithFoundation(text, isObject: members != nil)
        let request: PromptRequest
        do throws(PromptFailure) {
            request = try PromptRequest(body: bytes)
        } catch {
            guard case .badRequest(let sentence) = error else { throw Finding("another failure: \(error)") }
            let saysNoJSON =
                sentence.hasPrefix(PromptRequest.notAnObject) || sentence.hasPrefix("Send the body in UTF-8")
            try require(saysNoJSON == (members == nil), "valid: \(members != nil), but: \(sentence)")
            return
        }
        guard let members else { throw Finding("a body is accepted that is no JSON object") }
        let json = request.chat(defaultModel: JSONText("default")).json
        guard case .object(let chat)? = ReferenceJSON.parse(json) else {
            throw Finding("the request is no JSON object")
        }
        try checkNames(chat)
        try checkValues(chat, members)
        try checkMessages(chat, members)
        try checkLimits(bytes)
    }

    /// The members of the object that `text` is; `nil` if it is none.
    private static func members(_ text: [UInt8]) -> [ReferenceJSON.Member]? {
        guard let value = ReferenceJSON.parse(text), !value.hasHalves, case .object(let members) = value else {
            return nil
        }
        return members
    }

    // MARK: Foundation

    /// Any value, as far as Foundation reads it.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {
            if let object = try? decoder.container(keyedBy: Name.self) {
                for name in object.allKeys { _ = try object.decode(Anything.self, forKey: name) }
            } else if var array = try? decoder.unkeyedContainer() {
                while !array.isAtEnd { _ = try array.decode(Anything.self) }
            } else {
                let value = try decoder.singleValueContainer()
                if !value.decodeNil(), (try? value.decode(Bool.self)) == nil, (try? value.decode(Double.self)) == nil {
                    _ = try value.decode(String.self)
                }
            }
        }

        private struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }

    /// Compares where both read alike: without numbers, which Foundation checks only as far as they are decoded, and
    /// without what it takes for another encoding.
    private static func compareWithFoundation(_ text: [UInt8], isObject: Bool) throws(Finding) {
        guard text.first == UInt8(ascii: "{"), text.count < 500,
            !text.contains(where: { $0 == 0 || (0x2B...0x2E).contains($0) || (0x30...0x39).contains($0) })
        else { return }
        let isValid = (try? JSONDecoder().decode(Anything.self, from: Data(text))) != nil
        try require(isValid == isObject, "Foundation says it is \(isValid ? "" : "not ")valid")
    }

    // MARK: The request

    /// No name is there that Ollama takes for another one, and none twice: which value counts must be clear.
    private static func checkNames(_ chat: [ReferenceJSON.Member]) throws(Finding) {
        var seen: Set<String> = []
        for member in chat {
            let name = String(decoding: member.name, as: UTF16.self)
            let folded = name.replacing("\u{212A}", with: "k").replacing("\u{17F}", with: "s").lowercased()
            guard Self.known.contains(folded) else { continue }
            try require(name == folded, "a name that is \(folded) to Ollama: \(name)")
            try require(seen.insert(name).inserted, "\(name) is there twice")
        }
    }

    /// What Ollama knows of a request.
    private static let known: Set = [
        "model", "messages", "stream", "options", "format", "think", "tools", "keep_alive",
    ]
    /// What only promptd knows.
    private static let ours: Set = ["prompt", "system", "images", "timeout"]

    private static func checkValues(
        _ chat: [ReferenceJSON.Member], _ members: [ReferenceJSON.Member]
    ) throws(Finding) {
        let model = members.string("model") ?? Array("default".utf16)
        try require(chat.last("model") == .string(model), "another model")
        let isStreamed = members.last("stream") == .boolean(true)
        try require(chat.last("stream") == .boolean(isStreamed), "another form of answer")
        for name in ["options", "format", "think", "tools", "keep_alive"] {
            var wanted = members.last(name)
            if wanted == .null || (name == "format" && wanted == .string([])) { wanted = nil }
            try require(chat.last(name) == wanted, "\(name) is lost or changed")
        }
        let isUnknown: (ReferenceJSON.Member) -> Bool = {
            let name = String(decoding: $0.name, as: UTF16.self)
            return !known.contains(name) && !ours.contains(name)
        }
        try require(chat.filter(isUnknown) == members.filter(isUnknown), "an unknown member is lost or changed")
    }

    private static func checkMessages(
        _ chat: [ReferenceJSON.Member], _ members: [ReferenceJSON.Member]
    ) throws(Finding) {
        var wanted: [ReferenceJSON] = []
        func message(_ role: String, _ content: [UInt16]) -> [ReferenceJSON.Member] {
            [.init("role", .string(Array(role.utf16))), .init("content", .string(content))]
        }
        if let system = members.string("system") { wanted.append(.object(message("system", system))) }
        var hasHistory = false
        if case .array(let history)? = members.last("messages") {
            wanted += history
            hasHistory = true
        }
        if let prompt = members.string("prompt") ?? (hasHistory ? nil : Array("Who are you?".utf16)) {
            var last = message("user", prompt)
            if case .array(let images)? = members.last("images") { last.append(.init("images", .array(images))) }
            wanted.append(.object(last))
        }
        try require(chat.last("messages") == .array(wanted), "other messages")
    }

    // MARK: The operator's limits

    private static let limit = 100

    private static func checkLimits(_ bytes: [UInt8]) throws(Finding) {
        guard let policy = try? ModelPolicy(allowed: "default,other", aliases: "alias=other") else { return }
        let rules = Prompt.Rules(
            defaultModel: JSONText("default"), models: policy, maxPromptBytes: limit, maxPredict: limit,
            coalesces: false, hasTenants: true)
        let prompt: Prompt
        do throws(PromptFailure) {
            prompt = try Prompt(body: bytes, rules)
        } catch {
            guard case .forbidden = error else { throw Finding("another failure with limits: \(error)") }
            return
        }
        guard case .object(let chat)? = ReferenceJSON.parse(unsafe Array(prompt.payload.bytes)) else {
            throw Finding("the request with limits is no JSON object")
        }
        try checkNames(chat)
        guard case .object(let options)? = chat.last("options"), case .number(let text)? = options.last("num_predict"),
            let number = Double(text)
        else { throw Finding("no limit of tokens") }
        try require(number >= 0 && number <= Double(limit), "\(text) tokens")
        guard case .string(let model)? = chat.last("model") else { throw Finding("no model") }
        let name = ModelName(String(decoding: model, as: UTF16.self))
        try require(name == ModelName("default") || name == ModelName("other"), "a model that is not allowed")
    }
}

extension ReferenceJSON.Member {
    fileprivate init(_ name: String, _ value: ReferenceJSON) { self.init(name: Array(name.utf16), value: value) }
}

extension [ReferenceJSON.Member] {
    /// The text of the last member with this name.
    fileprivate func string(_ name: String) -> [UInt16]? {
        if case .string(let text)? = last(name) { text } else { nil }
    }
}

extension ReferenceJSON {
    /// Whether a string has half a surrogate pair.
    fileprivate var hasHalves: Bool {
        switch self {
        case .null, .boolean, .number: false
        case .string(let text): String(validating: text, as: UTF16.self) == nil
        case .array(let elements): elements.contains(where: \.hasHalves)
        case .object(let members):
            members.contains { String(validating: $0.name, as: UTF16.self) == nil || $0.value.hasHalves }
        }
    }
}
