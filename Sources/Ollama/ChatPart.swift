internal import JSON

/// One object of Ollama's reply to a chat: some tokens of a streamed reply, its end, or a whole reply.
///
/// It points into the received bytes and cannot be stored: the caller appends the parts that it needs to its own array.
///
/// `@safe`: it is only borrowed for one call, during which its bytes stay valid, and it cannot be copied.
@safe package struct ChatPart: ~Copyable {
    /// The object as Ollama sent it.
    private let bytes: UnsafeRawBufferPointer
    private let fields: ReplyScanner.Fields

    init(_ bytes: UnsafeRawBufferPointer, _ fields: ReplyScanner.Fields) {
        unsafe self.bytes = unsafe bytes
        self.fields = fields
    }

    /// Whether this is the last part of a complete answer.
    package var isDone: Bool { fields.done }

    /// The number of tokens of the whole answer; only the last part has it.
    package var tokens: Int? { fields.tokens }

    /// Whether the part has text.
    package var hasContent: Bool { !fields.content.isEmpty }

    /// Whether the part has thinking text.
    package var hasThinking: Bool { fields.thinking != nil }

    /// Whether it has nothing of an answer, and is not its end.
    package var isEmpty: Bool {
        fields.content.isEmpty && fields.thinking == nil && fields.toolCalls == nil && !fields.done
    }

    /// Whether the model calls tools.
    package var hasToolCalls: Bool {
        guard let range = fields.toolCalls else { return false }
        return unsafe bytes[range].contains(UInt8(ascii: "{"))
    }

    /// Appends the text, as UTF-8. A surrogate pair may be split between two parts: some models have a token for each
    /// half.
    ///
    /// - Parameter half: the half at the end of the part before, and of this one.
    package func appendText(to output: inout [UInt8], after half: inout UInt16?) {
        let text = unsafe slice(fields.content)
        if fields.contentHasEscapes || half != nil {
            unsafe JSONString.appendPart(text, after: &half, to: &output)
        } else {
            unsafe output.append(contentsOf: text)
        }
        if isDone { JSONString.appendHalf(&half, to: &output) }
    }

    /// Whether the model reached its limit of tokens.
    package var isCutByLength: Bool {
        guard let reason = fields.doneReason else { return false }
        return unsafe slice(reason).elementsEqual("length".utf8)
    }

    /// Appends the content's JSON string without its quotes. It contains no line ends.
    ///
    /// - Parameter half: as for `appendText`.
    package func appendContentJSON(to output: inout [UInt8], after half: inout UInt16?) {
        if let joined = joinedContent(after: &half) {
            output.append(contentsOf: joined)
        } else {
            unsafe output.append(contentsOf: slice(fields.content))
        }
    }

    /// The content's JSON string without its quotes, if it differs from what Ollama sent: with a half from the part
    /// before it, or without one that is to come.
    private func joinedContent(after half: inout UInt16?) -> ArraySlice<UInt8>? {
        let content = unsafe slice(fields.content)
        let mayHaveHalves = unsafe fields.contentHasEscapes && JSONString.mayHaveHalves(content)
        guard half != nil || mayHaveHalves else { return nil }
        var text: [UInt8] = []
        unsafe JSONString.appendPart(content, after: &half, to: &text)
        if isDone { JSONString.appendHalf(&half, to: &text) }
        var writer = JSONWriter()
        writer.put(quoted: String(decoding: text, as: UTF8.self))
        return writer.bytes.dropFirst().dropLast()
    }

    /// Appends the thinking's JSON string without its quotes. It contains no line ends.
    package func appendThinkingJSON(to output: inout [UInt8]) {
        if let thinking = fields.thinking { unsafe output.append(contentsOf: slice(thinking)) }
    }

    /// Appends the array of tool calls. It contains no line ends.
    package func appendToolCallsJSON(to output: inout [UInt8]) {
        if let calls = fields.toolCalls { unsafe Self.append(slice(calls), to: &output) }
    }

    /// Appends the whole object, without its line end, as Ollama sent it but for split surrogate pairs in its content.
    ///
    /// - Parameter half: as for `appendText`.
    package func appendObject(to output: inout [UInt8], after half: inout UInt16?) {
        if let joined = joinedContent(after: &half), fields.content.lowerBound > 0 {
            unsafe output.append(contentsOf: slice(0..<fields.content.lowerBound))
            output.append(contentsOf: joined)
            unsafe output.append(contentsOf: slice(fields.content.upperBound..<bytes.count))
        } else {
            unsafe output.append(contentsOf: bytes)
        }
    }

    /// Appends the object without its message: `done_reason`, counts and durations. It contains no line ends.
    package func appendSummaryJSON(to output: inout [UInt8]) {
        let member = fields.messageMember
        var (end, start) = (member.lowerBound, member.upperBound)
        // Also removes one comma: the one after the message, or else the one before it.
        while unsafe Self.isSpace(bytes[start]) { start += 1 }
        if unsafe bytes[start] == UInt8(ascii: ",") {
            start += 1
        } else {
            while unsafe Self.isSpace(bytes[end - 1]) { end -= 1 }
            if unsafe bytes[end - 1] == UInt8(ascii: ",") { end -= 1 }
        }
        unsafe Self.append(slice(0..<end), to: &output)
        unsafe Self.append(slice(start..<bytes.count), to: &output)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
    }

    /// Replaces line ends between JSON tokens by spaces, which mean the same.
    private static func append(_ json: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        for index in json.indices {
            let byte = unsafe json[index]
            output.append(byte == 0x0D || byte == 0x0A ? 0x20 : byte)
        }
    }
}
