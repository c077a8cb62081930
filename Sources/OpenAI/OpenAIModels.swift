internal import FoundationEssentials
internal import JSON

/// A list of models of OpenAI's API, and what Ollama's API would say of them. Source: OpenAI's API reference, "List
/// models"; Ollama's docs/api, "List Local Models", "List Running Models", "Show Model Information".
struct OpenAIModels: Sendable {
    private struct List: Decodable {
        struct Model: Decodable { var id: String? }

        var data: [Model]
    }

    let names: [String]

    /// - Returns: `nil` if the JSON is no such list.
    init?(_ json: [UInt8]) {
        guard let list = try? JSONDecoder().decode(List.self, from: Data(json)) else { return nil }
        names = list.data.compactMap(\.id)
    }

    /// What nobody knows of a model is empty.
    private static let emptyDetails: StaticString = """
        "details":{"parent_model":"","format":"","family":"","families":null,"parameter_size":"","quantization_level":""}
        """

    /// As `/api/tags` has it.
    var tags: [UInt8] { list(",\"modified_at\":\"1970-01-01T00:00:00Z\",\"size\":0,\"digest\":\"\",") }

    /// As `/api/ps` has it: such a server unloads no model.
    var running: [UInt8] {
        list(",\"size\":0,\"digest\":\"\",\"expires_at\":\"9999-12-31T23:59:59Z\",\"size_vram\":0,")
    }

    private func list(_ members: StaticString) -> [UInt8] {
        var writer = JSONWriter()
        writer.put("{\"models\":[")
        for (number, name) in names.enumerated() {
            writer.put(number == 0 ? "{\"name\":" : ",{\"name\":")
            writer.put(quoted: name)
            writer.put(",\"model\":")
            writer.put(quoted: name)
            writer.put(members)
            writer.put(Self.emptyDetails)
            writer.put("}")
        }
        writer.put("]}")
        return writer.bytes
    }

    /// As `/api/show` has it.
    static var details: [UInt8] {
        var writer = JSONWriter()
        writer.put("{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\",")
        writer.put(emptyDetails)
        writer.put(",\"model_info\":{},\"capabilities\":[\"completion\"]}")
        return writer.bytes
    }
}
