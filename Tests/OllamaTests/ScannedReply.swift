import JSON
import Ollama
import TestSupport

/// What an object of a reply says, whoever read it: the scanner or Foundation.
struct Reading: Equatable {
    /// Compared byte for byte: as strings, texts are equal that are not the same.
    var content: [UInt8]?
    var done: Bool
    var doneReason: [UInt8]?
    var hasThinking: Bool
    var hasToolCalls: Bool
}

enum Scan: Equatable {
    case message(Reading)
    case error([UInt8])
    case malformed
    /// The scanner promised a range that is none.
    case broken
}

/// By the scanner, from memory of just the size, so that a sanitizer sees a read behind it.
func scan(_ bytes: some Collection<UInt8>) -> Scan {
    let scanned = unsafe withCopy(of: bytes) { unsafe ReplyScanner.scan($0) }
    switch scanned {
    case .error(let error): return .error(Array(error.message.utf8))
    case .malformed: return .malformed
    case .message(let fields):
        let raw = Array(bytes)
        let text = raw[fields.content]
        guard let content = unescaped(text), text.contains(UInt8(ascii: "\\")) == fields.contentHasEscapes else {
            return .broken
        }
        if !fields.contentHasEscapes, content != Array(text) { return .broken }
        return .message(
            Reading(
                content: content, done: fields.done, doneReason: fields.doneReason.map { Array(raw[$0]) },
                hasThinking: fields.thinking != nil, hasToolCalls: fields.toolCalls != nil))
    }
}

func unescaped(_ raw: some Collection<UInt8>) -> [UInt8]? {
    var output = Array("before".utf8)
    let isWell = unsafe withCopy(of: raw) { unsafe JSONString.appendUnescaped($0, to: &output) }
    precondition(output.starts(with: "before".utf8) && (isWell || output.count == 6))
    return isWell ? Array(output.dropFirst(6)) : nil
}

/// By Foundation, in the scanner's terms.
func decode(_ bytes: some Collection<UInt8>) -> Scan {
    guard let reply = unsafe withCopy(of: bytes, { unsafe ReplyDecoder.decode($0) }) else { return .malformed }
    if let error = reply.error { return .error(Array(error.utf8)) }
    guard reply.hasMessage else { return .malformed }
    return .message(
        Reading(
            content: Array((reply.content ?? "").utf8), done: reply.done,
            doneReason: reply.doneReason.map { Array($0.utf8) },
            hasThinking: reply.hasThinking, hasToolCalls: reply.hasToolCalls))
}
