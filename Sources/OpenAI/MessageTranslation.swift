internal import JSON

/// Translates the messages of a chat from Ollama's form into OpenAI's. Source: Ollama's docs/api, "Generate a chat
/// completion"; OpenAI's API reference, "Create chat completion".
struct MessageTranslation {
    private var output = JSONWriter()
    private(set) var mistake: Untranslatable?
    private var open = OpenCalls()
    private var calls = 0
    /// Maximum bytes of the result: what is said in few bytes may need many, but no client means that.
    private let limit: Int
    /// Maximum calls of tools in all messages.
    private static let mostCalls = 4096

    /// One message.
    private struct Message {
        var role: JSONText?
        var content: JSONText?
        var thinking: JSONText?
        var images: [JSONText] = []
        /// The elements of OpenAI's array.
        var calls: [UInt8] = []
        var toolName, toolCallID: JSONText?
        /// Other members, each with a comma before it.
        var others = JSONWriter()
        var names: Set<String> = []
        var hasReasoning = false
    }

    init(limit: Int) { self.limit = limit }

    /// The messages, with commas between them.
    var bytes: [UInt8] { output.bytes }

    var isEmpty: Bool { output.bytes.isEmpty }

    mutating func read(_ reader: inout JSONReader, _ body: [UInt8]) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            put(try message(&reader, body))
            if output.bytes.count > limit { try complain("Send fewer messages, images and calls of tools.") }
        }
    }

    /// Adds the messages of a request to `/api/generate`.
    mutating func add(system: JSONText?, prompt: JSONText?, images: [JSONText]) {
        guard let prompt, !prompt.bytes.isEmpty || !images.isEmpty else { return }
        if let system, !system.bytes.isEmpty { put(Message(role: JSONText("system"), content: system)) }
        put(Message(role: JSONText("user"), content: prompt, images: images))
    }

    /// Reads an array of base64 strings.
    mutating func images(_ reader: inout JSONReader, _ body: [UInt8]) throws(JSONReader.Malformed) -> [JSONText] {
        var images: [JSONText] = []
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            guard try reader.kind() == .string, case let image = JSONText(try reader.string(), in: body),
                image.bytes.count >= 4, images.count < limit / 100
            else { try complain("Give \"images\" as an array of base64 strings.") }
            images.append(image)
        }
        return images
    }

    /// Ends the reading.
    private mutating func complain(_ sentence: String) throws(JSONReader.Malformed) -> Never {
        mistake = Untranslatable(sentence)
        throw JSONReader.Malformed()
    }

    // MARK: Reading

    private static let names: Set<String> = [
        "role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id",
    ]

    private mutating func message(
        _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) -> Message {
        guard try reader.kind() == .object else { try complain("Give \"messages\" as an array of objects.") }
        var message = Message()
        var isFirst = true
        try reader.begin("{")
        while let text = try reader.nextName(isFirst: &isFirst) {
            let name = JSONText(text, in: body)
            let string = name.string
            if !message.names.insert(string).inserted || message.names.count > 64 {
                try complain("Give \"\(string.cut(to: 60))\" once in a message.")
            }
            if try reader.kind() == .null {
                try reader.skipValue()
            } else if Self.names.contains(string) {
                try member(string, of: &message, &reader, body)
            } else {
                if let folded = FoldedName.fold(string), Self.names.contains(folded) {
                    try complain("Write the name \"\(folded)\" in lower case.")
                }
                if string == "reasoning_content" { message.hasReasoning = true }
                message.others.put(",\"")
                message.others.put(name)
                message.others.put("\":", JSONValue(try reader.skipped(), in: body))
            }
        }
        if message.role == nil { try complain("Give each of \"messages\" a \"role\".") }
        if message.thinking != nil && message.hasReasoning {
            try complain("Give \"thinking\" or \"reasoning_content\" in a message, not both.")
        }
        return message
    }

    private mutating func member(
        _ name: String, of message: inout Message, _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) {
        let kind = try reader.kind()
        if name == "images" || name == "tool_calls" {
            guard kind == .array else { try complain("Give \"\(name)\" as an array.") }
            if name == "images" {
                message.images = try images(&reader, body)
            } else {
                try calls(&message, &reader, body)
            }
            return
        }
        guard kind == .string else { try complain("Give \"\(name)\" as a string in each of \"messages\".") }
        let text = JSONText(try reader.string(), in: body)
        switch name {
        case "role": message.role = text
        case "content": message.content = text
        case "thinking": message.thinking = text
        case "tool_name": message.toolName = text
        default: message.toolCallID = text.bytes.isEmpty ? nil : text
        }
    }

    private mutating func calls(
        _ message: inout Message, _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            calls += 1
            if calls > Self.mostCalls { try complain("Send at most \(Self.mostCalls) calls of tools.") }
            if !message.calls.isEmpty { message.calls.append(UInt8(ascii: ",")) }
            message.calls += try call(&reader, body)
        }
    }

    private mutating func call(
        _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) -> [UInt8] {
        var id, tool: JSONText?
        var arguments: JSONValue?
        var isFirst = true
        guard try reader.kind() == .object else { try complain("Give \"tool_calls\" as an array of objects.") }
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "id"), kind == .string {
                id = JSONText(try reader.string(), in: body)
            } else if reader.matches(name, "function"), kind == .object {
                (tool, arguments) = try function(&reader, body)
            } else {
                try reader.skipValue()
            }
        }
        guard let tool else { try complain("Give each of \"tool_calls\" a \"function\" with a \"name\".") }
        if let own = id, own.bytes.isEmpty { id = nil }  // as some clients write it
        var writer = JSONWriter()
        writer.put("{\"id\":\"")
        writer.put(open.add(id, of: tool))
        writer.put("\",\"type\":\"function\",\"function\":{\"name\":\"")
        writer.put(tool)
        writer.put("\",\"arguments\":")
        Self.put(arguments, to: &writer)
        writer.put("}}")
        return writer.bytes
    }

    private func function(
        _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) -> (name: JSONText?, arguments: JSONValue?) {
        var function = (name: nil as JSONText?, arguments: nil as JSONValue?)
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "name"), kind == .string {
                function.name = JSONText(try reader.string(), in: body)
            } else if reader.matches(name, "arguments"), kind != .null {
                function.arguments = JSONValue(try reader.skipped(), in: body)
            } else {
                try reader.skipValue()
            }
        }
        return function
    }

    /// OpenAI's arguments are the text of an object.
    private static func put(_ arguments: JSONValue?, to writer: inout JSONWriter) {
        let json = arguments?.bytes ?? Array("{}".utf8)[...]
        if json.first == UInt8(ascii: "\"") {
            writer.put("", JSONValue(Array(json)))  // the client has it so already
        } else {
            writer.put(quoted: String(decoding: json, as: UTF8.self))
        }
    }

    // MARK: Writing

    private mutating func put(_ message: Message) {
        let role = message.role ?? JSONText("user")
        let isResult = role.string == "tool"
        if !isResult && role.string != "assistant" { open.forget() }
        output.put(isEmpty ? "{\"role\":\"" : ",{\"role\":\"")
        output.put(role)
        output.put("\",\"content\":")
        putContent(of: message)
        if let thinking = message.thinking {
            output.put(",\"reasoning_content\":\"")
            output.put(thinking)
            output.put("\"")
        }
        if !message.calls.isEmpty {
            output.put(",\"tool_calls\":[")
            output.put("", JSONValue(message.calls))
            output.put("]")
        }
        if let id = message.toolCallID {
            open.close(id)
            output.put(",\"tool_call_id\":\"")
            output.put(id)
            output.put("\"")
        } else if isResult {
            output.put(",\"tool_call_id\":\"")
            output.put(open.close(of: message.toolName))
            output.put("\"")
        }
        if let name = message.toolName, !isResult {
            output.put(",\"tool_name\":\"")
            output.put(name)
            output.put("\"")
        }
        output.put("", JSONValue(message.others.bytes))
        output.put("}")
    }

    private mutating func putContent(of message: Message) {
        guard !message.images.isEmpty else {
            guard message.content != nil || message.calls.isEmpty else { return output.put("null") }
            output.put("\"")
            if let content = message.content { output.put(content) }
            return output.put("\"")
        }
        output.put("[")
        if let content = message.content, !content.bytes.isEmpty {
            output.put("{\"type\":\"text\",\"text\":\"")
            output.put(content)
            output.put("\"},")
        }
        for (number, image) in message.images.enumerated() {
            output.put(number == 0 ? "" : ",")
            output.put("{\"type\":\"image_url\",\"image_url\":{\"url\":\"")
            output.put(Self.prefix(of: image))
            output.put(image)
            output.put("\"}}")
        }
        output.put("]")
    }

    /// What makes a data URL of an image. Its kind shows in its first bytes. Source: RFC 2397.
    private static func prefix(of image: JSONText) -> StaticString {
        let start = String(decoding: image.bytes.prefix(8), as: UTF8.self)
        if start.hasPrefix("data:") { return "" }
        if start.hasPrefix("iVBOR") { return "data:image/png;base64," }
        if start.hasPrefix("R0lGOD") { return "data:image/gif;base64," }
        if start.hasPrefix("UklGR") { return "data:image/webp;base64," }
        return "data:image/jpeg;base64,"
    }
}
