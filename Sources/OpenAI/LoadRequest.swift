internal import Glibc
internal import HTTPClient
internal import JSON
internal import Ollama

/// A request that only loads a model. There is nothing to send for it: the payload is the model's name, as a JSON string.
enum LoadRequest {
    static func payload(model: String) -> Payload {
        var writer = JSONWriter()
        writer.put(quoted: model)
        return Payload(writer.bytes)
    }

    /// Whether a payload is such a request; others are JSON objects.
    static func isOne(_ payload: Payload) -> Bool { payload.first == UInt8(ascii: "\"") }

    static func model(_ payload: Payload) -> String {
        let json = payload.copy()
        return JSONText(JSONReader.Text(range: 1..<(json.count - 1), hasEscapes: true), in: json).string
    }

    /// Ollama's answer to it. Source: Ollama's docs/api, "Load a model".
    static func answer(model: String, _ shape: ObjectShape) -> StoredPart {
        var writer = ObjectWriter(shape)
        writer.begin(model: JSONText(model).bytes, created: time(nil))
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe writer.write(
            content: nothing, hasEscapes: false, thinking: nothing,
            end: ObjectWriter.End(reason: Array("\"load\"".utf8)))
        return StoredPart(writer.bytes, writer.fields)
    }
}
