package import APIs
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

    package init(_ bytes: UnsafeRawBufferPointer, _ fields: ReplyScanner.Fields) {
        unsafe self.bytes = unsafe bytes
        self.fields = fields
    }

    /// A copy.
    package var stored: StoredPart { StoredPart(unsafe Array(bytes), fields) }

    /// Whether this is the last part of a complete answer.
    package var isDone: Bool { fields.done }

    /// The tokens of the prompt and of the whole answer; only the last part has them.
    package var usage: TokenUsage { fields.usage }

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

    /// Appends the text, as UTF-8. A surrogate pair may be split between two parts.
    ///
    /// - Parameter halves: those at the end of the part before, and of this one.
    package func appendText(to output: inout [UInt8], after halves: inout HalfPairs) {
        let text = unsafe slice(fields.content)
        if fields.contentHasEscapes || halves.content != nil {
            unsafe JSONString.appendPart(text, after: &halves.content, to: &output)
        } else {
            unsafe output.append(contentsOf: text)
        }
        if isDone { JSONString.appendHalf(&halves.content, to: &output) }
    }

    /// Whether the model reached its limit of tokens.
    package var isCutByLength: Bool {
        guard let reason = fields.doneReason else { return false }
        return unsafe slice(reason).elementsEqual("length".utf8)
    }

    /// Appends the content's JSON string without its quotes. It contains no line ends.
    ///
    /// - Parameter halves: as for `appendText`.
    package func appendContentJSON(to output: inout [UInt8], after halves: inout HalfPairs) {
        unsafe append(slice(fields.content), to: &output, after: &halves.content)
    }

    /// Appends the thinking's JSON string without its quotes. It contains no line ends.
    ///
    /// - Parameter halves: as for `appendText`.
    package func appendThinkingJSON(to output: inout [UInt8], after halves: inout HalfPairs) {
        unsafe append(slice(fields.thinking ?? 0..<0), to: &output, after: &halves.thinking)
    }

    /// Appends the inside of a JSON string, with a half from the part before it, and without one that is to come.
    private func append(_ raw: UnsafeRawBufferPointer, to output: inout [UInt8], after half: inout UInt16?) {
        guard unsafe half != nil || JSONString.mayHaveHalves(raw) else {
            unsafe output.append(contentsOf: raw)
            return
        }
        var text: [UInt8] = []
        unsafe JSONString.appendPart(raw, after: &half, to: &text)
        if isDone { JSONString.appendHalf(&half, to: &text) }
        var writer = JSONWriter()
        writer.put(quoted: String(decoding: text, as: UTF8.self))
        output.append(contentsOf: writer.bytes.dropFirst().dropLast())
    }

    /// Appends the array of tool calls. It contains no line ends.
    package func appendToolCallsJSON(to output: inout [UInt8]) {
        guard let calls = fields.toolCalls else { return }
        let json = unsafe slice(calls)
        if unsafe JSONString.mayHaveHalves(json) {
            var whole: [UInt8] = []
            unsafe JSONString.appendWithoutHalves(json, to: &whole)
            unsafe whole.withUnsafeBytes { unsafe Self.append($0, to: &output) }
        } else {
            unsafe Self.append(json, to: &output)
        }
    }

    /// Appends the whole object, without its line end, as Ollama sent it but for split surrogate pairs.
    ///
    /// - Parameter halves: as for `appendText`.
    package func appendObject(to output: inout [UInt8], after halves: inout HalfPairs) {
        guard unsafe !halves.isEmpty || JSONString.mayHaveHalves(bytes) else {
            unsafe output.append(contentsOf: bytes)
            return
        }
        appendMissingEnds(to: &output, after: &halves)
        var texts: [(range: Range<Int>, isThinking: Bool)] = []
        if fields.content.lowerBound > 0 { texts.append((fields.content, false)) }
        if let thinking = fields.thinking { texts.append((thinking, true)) }
        texts.sort { $0.range.lowerBound < $1.range.lowerBound }
        var position = 0
        for text in texts {
            unsafe JSONString.appendWithoutHalves(slice(position..<text.range.lowerBound), to: &output)
            if text.isThinking {
                appendThinkingJSON(to: &output, after: &halves)
            } else {
                appendContentJSON(to: &output, after: &halves)
            }
            position = text.range.upperBound
        }
        unsafe JSONString.appendWithoutHalves(slice(position..<bytes.count), to: &output)
    }

    /// Appends an object with what stands for the halves, if this is the last part and has no text that could have it.
    private func appendMissingEnds(to output: inout [UInt8], after halves: inout HalfPairs) {
        guard isDone else { return }
        if halves.content != nil, fields.content.lowerBound == 0 {
            halves.content = nil
            output += #"{"message":{"role":"assistant","content":"\ufffd"},"done":false}"#.utf8
            output.append(0x0A)
        }
        if halves.thinking != nil, fields.thinking == nil {
            halves.thinking = nil
            output += #"{"message":{"role":"assistant","content":"","thinking":"\ufffd"},"done":false}"#.utf8
            output.append(0x0A)
        }
    }

    /// Appends the object without its message: `done_reason`, counts and durations. It contains no line ends.
    package func appendSummaryJSON(to output: inout [UInt8]) {
        let member = fields.messageMember
        if member.isEmpty { return unsafe Self.append(bytes, to: &output) }
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
