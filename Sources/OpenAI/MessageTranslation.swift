internal import JSON

/// Translates the messages of a chat from Ollama's form into OpenAI's. Source: Ollama's docs/api, "Generate a chat
/// completion"; OpenAI's API reference, "Create chat completion".
struct MessageTranslation {
    private var output = JSONWriter()
    /// The calls of tools whose results have not come yet: Ollama's results may lack the id that OpenAI's must have.
    private var open: [(id: JSONText, tool: JSONText)] = []
    private var lastCall = 0

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
    }

    /// The messages, with commas between them.
    var bytes: [UInt8] { output.bytes }

    var isEmpty: Bool { output.bytes.isEmpty }

    mutating func read(_ reader: inout JSONReader, _ body: [UInt8]) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            put(try message(&reader, body))
        }
    }

    /// Adds the messages of a request to `/api/generate`.
    mutating func add(system: JSONText?, prompt: JSONText?, images: [JSONText]) {
        guard let prompt, !prompt.bytes.isEmpty || !images.isEmpty else { return }
        if let system, !system.bytes.isEmpty { put(Message(role: JSONText("system"), content: system)) }
        put(Message(role: JSONText("user"), content: prompt, images: images))
    }

    /// Reads an array of base64 strings.
    static func images(_ reader: inout JSONReader, _ body: [UInt8]) throws(JSONReader.Malformed) -> [JSONText] {
        var images: [JSONText] = []
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            images.append(JSONText(try reader.string(), in: body))
        }
        return images
    }

    // MARK: Reading

    private mutating func message(
        _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) -> Message {
        var message = Message()
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if kind == .null {
                try reader.skipValue()
            } else if reader.matches(name, "role"), kind == .string {
                message.role = JSONText(try reader.string(), in: body)
            } else if reader.matches(name, "content"), kind == .string {
                message.content = JSONText(try reader.string(), in: body)
            } else if reader.matches(name, "thinking"), kind == .string {
                message.thinking = JSONText(try reader.string(), in: body)
            } else if reader.matches(name, "images"), kind == .array {
                message.images = try Self.images(&reader, body)
            } else if reader.matches(name, "tool_calls"), kind == .array {
                try calls(&message, &reader, body)
            } else if reader.matches(name, "tool_name"), kind == .string {
                message.toolName = JSONText(try reader.string(), in: body)
            } else if reader.matches(name, "tool_call_id"), kind == .string {
                message.toolCallID = JSONText(try reader.string(), in: body)
            } else {
                message.others.put(",\"")
                message.others.put(JSONText(name, in: body))
                message.others.put("\":", JSONValue(try reader.skipped(), in: body))
            }
        }
        return message
    }

    private mutating func calls(
        _ message: inout Message, _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) {
        open = []
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            if !message.calls.isEmpty { message.calls.append(UInt8(ascii: ",")) }
            message.calls += try call(&reader, body)
        }
    }

    private mutating func call(
        _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) -> [UInt8] {
        var id: JSONText?
        var tool = JSONText("")
        var arguments: JSONValue?
        var isFirst = true
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
        let ownID = id ?? nextID()
        open.append((ownID, tool))
        var writer = JSONWriter()
        writer.put("{\"id\":\"")
        writer.put(ownID)
        writer.put("\",\"type\":\"function\",\"function\":{\"name\":\"")
        writer.put(tool)
        writer.put("\",\"arguments\":")
        Self.put(arguments, to: &writer)
        writer.put("}}")
        return writer.bytes
    }

    private func function(
        _ reader: inout JSONReader, _ body: [UInt8]
    ) throws(JSONReader.Malformed) -> (name: JSONText, arguments: JSONValue?) {
        var function = (name: JSONText(""), arguments: nil as JSONValue?)
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

    private mutating func nextID() -> JSONText {
        lastCall += 1
        return JSONText("call_\(lastCall)")
    }

    // MARK: Writing

    private mutating func put(_ message: Message) {
        let role = message.role ?? JSONText("user")
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
        if role.string == "tool" {
            output.put(",\"tool_call_id\":\"")
            output.put(message.toolCallID ?? callID(of: message.toolName))
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

    /// The id of the call whose result a message is: the first that is open, of this tool if it is named.
    private mutating func callID(of tool: JSONText?) -> JSONText {
        let wanted = tool?.string
        let index = open.firstIndex { wanted == nil || $0.tool.string == wanted } ?? open.indices.first
        guard let index else { return nextID() }
        return open.remove(at: index).id
    }
}
