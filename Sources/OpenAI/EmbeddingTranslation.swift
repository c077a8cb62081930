internal import JSON
internal import Ollama

/// Turns OpenAI's list of embeddings into Ollama's object. Source: OpenAI's API reference, "Create embeddings"; Ollama's
/// docs/api, "Generate Embeddings", "Generate Embedding".
struct EmbeddingTranslation {
    /// The arrays of numbers, each with its place.
    private var vectors: [(index: Int, range: Range<Int>)] = []
    private var hasList = false
    private var model: Range<Int>?
    private var tokens: Int?

    /// - Parameters:
    ///   - isOld: whether it is for `/api/embeddings`, which has one vector only.
    ///   - began: when the request was sent.
    /// - Returns: `nil` if it is no such list.
    static func translate(_ json: Span<UInt8>, isOld: Bool, began: ContinuousClock.Instant) -> StoredPart? {
        unsafe json.withUnsafeBytes { bytes in
            var translation = EmbeddingTranslation()
            var reader = unsafe JSONReader(bytes)
            do throws(JSONReader.Malformed) {
                try translation.object(&reader)
                try reader.end()
            } catch {
                return nil
            }
            return unsafe translation.reply(bytes, isOld: isOld, took: ContinuousClock.now - began)
        }
    }

    private func reply(_ bytes: UnsafeRawBufferPointer, isOld: Bool, took: Duration) -> StoredPart? {
        let vectors = vectors.sorted { $0.index < $1.index }
        guard hasList, !isOld || !vectors.isEmpty else { return nil }
        var output: [UInt8] = []
        if isOld, let first = vectors.first {
            output += "{\"embedding\":".utf8
            unsafe output.append(contentsOf: bytes[first.range])
        } else {
            output.reserveCapacity(vectors.reduce(200) { $0 + $1.range.count + 1 })
            output += "{\"model\":\"".utf8
            unsafe output.append(contentsOf: bytes[model ?? 0..<0])
            output += "\",\"embeddings\":[".utf8
            for (number, vector) in vectors.enumerated() {
                if number > 0 { output.append(UInt8(ascii: ",")) }
                unsafe output.append(contentsOf: bytes[vector.range])
            }
            output += "],\"total_duration\":\(took.inNanoseconds)".utf8
            if let tokens { output += ",\"prompt_eval_count\":\(tokens)".utf8 }
        }
        output.append(UInt8(ascii: "}"))
        return StoredPart(
            output, .init(content: 0..<0, messageMember: 0..<0, contentHasEscapes: false, done: true))
    }

    private mutating func object(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "data"), kind == .array {
                var isFirstElement = true
                hasList = true
                try reader.begin("[")
                while try reader.nextElement(isFirst: &isFirstElement, before: "]") { try element(&reader) }
            } else if reader.matches(name, "model"), kind == .string {
                model = try reader.string().range
            } else if reader.matches(name, "usage"), kind == .object {
                try usage(&reader)
            } else {
                try reader.skipValue()
            }
        }
    }

    private mutating func element(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var index = vectors.count
        var vector: Range<Int>?
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "embedding"), kind == .array {
                vector = try reader.skipped()
            } else if reader.matches(name, "index"), kind == .number {
                index = try reader.count() ?? index
            } else {
                try reader.skipValue()
            }
        }
        guard let vector else { throw JSONReader.Malformed() }
        vectors.append((index, vector))
    }

    private mutating func usage(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            if reader.matches(name, "prompt_tokens") {
                tokens = try reader.count()
            } else {
                try reader.skipValue()
            }
        }
    }
}
