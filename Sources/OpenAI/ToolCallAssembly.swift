internal import JSON
internal import Ollama

/// Puts the tool calls of an answer together from their pieces, and writes them in Ollama's form.
struct ToolCallAssembly {
    private var calls: [Call] = []
    /// The bytes that it holds.
    private(set) var heldBytes = 0

    private struct Call {
        let index: Int
        /// The insides of JSON strings.
        var id: [UInt8] = []
        var name: [UInt8] = []
        var arguments: [UInt8] = []
        /// The arguments if they came as an object.
        var object: [UInt8]?
    }

    /// Maximum calls of one answer.
    private static let maximumCalls = 1024
    /// What a call takes in memory besides its bytes.
    private static let callCost = 200

    var isEmpty: Bool { calls.isEmpty }

    /// - Parameter bytes: those that the piece's ranges refer to.
    mutating func add(_ piece: ToolCallPiece, in bytes: UnsafeRawBufferPointer) throws(OllamaError) {
        let position: Int
        if let known = calls.lastIndex(where: { $0.index == piece.index }),
            unsafe !begins(piece, after: calls[known], in: bytes)
        {
            position = known
        } else {
            guard calls.count < Self.maximumCalls else { throw .malformedResponse }
            calls.append(Call(index: piece.index))
            heldBytes += Self.callCost
            position = calls.count - 1
        }
        // Some servers repeat the id and the name with each piece.
        if let id = piece.id, calls[position].id.isEmpty { unsafe append(bytes[id], to: \.id, of: position) }
        if let name = piece.name, unsafe !calls[position].name.elementsEqual(bytes[name]) {
            unsafe append(bytes[name], to: \.name, of: position)
        }
        if let text = piece.arguments { unsafe append(bytes[text.range], to: \.arguments, of: position) }
        if let object = piece.object {
            calls[position].object = unsafe Array(bytes[object])
            heldBytes += object.count
        }
        guard heldBytes <= OllamaClient.lineLimit else { throw .lineTooLong(limit: OllamaClient.lineLimit) }
    }

    /// Whether a piece begins another call, although its index is that of `call`: some servers give all the same one.
    private func begins(_ piece: ToolCallPiece, after call: Call, in bytes: UnsafeRawBufferPointer) -> Bool {
        if let id = piece.id, !call.id.isEmpty { return unsafe !call.id.elementsEqual(bytes[id]) }
        guard piece.id == nil, call.id.isEmpty, piece.name != nil else { return false }
        // Others repeat the name with each piece.
        let isWhole = !call.arguments.isEmpty && call.arguments.count <= 4096 && Self.object(in: call.arguments) != nil
        return isWhole || call.object != nil
    }

    private mutating func append(
        _ bytes: Slice<UnsafeRawBufferPointer>, to path: WritableKeyPath<Call, [UInt8]>, of position: Int
    ) {
        unsafe calls[position][keyPath: path].append(contentsOf: bytes)
        heldBytes += unsafe bytes.count
    }

    /// The array of calls, as Ollama has it. Source: Ollama's docs/api, "Chat request (Streaming with tools)".
    ///
    /// - Parameter isCut: whether the model has used all its tokens.
    /// - Throws: `OllamaError.cutToolCall`, or `.malformedResponse`, if a call has no name, or its arguments are no JSON
    ///   object.
    func json(isCut: Bool) throws(OllamaError) -> [UInt8] {
        var writer = JSONWriter()
        writer.put("[")
        for (number, call) in calls.enumerated() {
            guard !call.name.isEmpty, let arguments = call.object ?? Self.object(in: call.arguments) else {
                throw isCut ? .cutToolCall : .malformedResponse
            }
            writer.put(number == 0 ? "{" : ",{")
            if !call.id.isEmpty {
                writer.put("\"id\":\"")
                writer.put("", JSONValue(call.id))
                writer.put("\",")
            }
            writer.put("\"function\":{\"index\":")
            writer.put(raw: "\(number)")
            writer.put(",\"name\":\"")
            writer.put("", JSONValue(call.name))
            writer.put("\",\"arguments\":")
            writer.put("", JSONValue(arguments))
            writer.put("}}")
        }
        writer.put("]")
        return writer.bytes
    }

    /// The JSON object that a JSON string contains; `nil` if it contains none.
    private static func object(in text: [UInt8]) -> [UInt8]? {
        if text.allSatisfy({ $0 == 0x20 }) || text.elementsEqual("null".utf8) { return Array("{}".utf8) }
        var json: [UInt8] = []
        let isText = unsafe text.withUnsafeBytes { unsafe JSONString.appendUnescaped($0, to: &json) }
        let isObject = unsafe json.withUnsafeBytes { bytes in
            var reader = unsafe JSONReader(bytes, allowsHalfPairs: true)
            return unsafe JSONReader.isValid(bytes) && (try? reader.kind()) == .object
        }
        return isText && isObject ? json : nil
    }
}
