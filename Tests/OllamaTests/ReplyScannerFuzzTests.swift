import Ollama
import TestSupport
import Testing

/// The scanner against Foundation, on random text.
@Suite(.seeded) struct ReplyScannerFuzzTests {
    @Test func `any text in any place is read as Foundation reads it`() {
        var random = SeededRandom(4)
        for _ in 0..<5_000 {
            let (content, raw) = text(using: &random)
            let (_, other) = text(using: &random)
            let thinking = Bool.random(using: &random) ? #","thinking":"\#(other)""# : ""
            let done = Bool.random(using: &random)
            let line =
                #"{"model":"\#(other)","message":{"role":"assistant"\#(thinking),"content":"\#(raw)"},"done":\#(done)}"#
            let expected = Reading(content, done: done, hasThinking: !thinking.isEmpty && !other.isEmpty)
            #expect(scan(line.utf8) == .message(expected), "\(line)")
            #expect(decode(line.utf8) == .message(expected), "\(line)")
        }
    }

    @Test func `a message or error that is left after random changes is what Foundation reads`() {
        var random = SeededRandom(5)
        let lines =
            (OllamaCaptures.messages + OllamaCaptures.errors).map { Array($0.utf8) }
            .filter { $0.count < 500 } + [
                Array(#"{"message":{"content":"\ud83d\ude00 ü€😀","thinking":"a","tool_calls":[{}]},"done":false}"#.utf8)
            ]
        let syntax = Array("\"\\{}[]:,u0dD8eE-+.tfn \n\0\u{7F}".utf8) + [0x80, 0xBF, 0xC0, 0xED, 0xF4, 0xFF]
        var understood = 0
        for _ in 0..<20_000 {
            var bytes = lines.randomElement(using: &random) ?? []
            bytes.mutate(with: syntax, using: &random)
            let scanned = scan(bytes)
            let decoded = decode(bytes)
            // Foundation does not read half a surrogate pair, and knows no error that is an object.
            if scanned == .malformed || decoded == .malformed { continue }
            if case .error(let text) = decoded, text.first == UInt8(ascii: "{") { continue }
            // Of members with the same name, Foundation takes the first, and Go and the scanner the last.
            if hasRepeatedName(bytes) { continue }
            understood += 1
            #expect(scanned == decoded, "\(bytes) is \(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(understood > 1_000)
    }

    @Test func `random bytes are UTF-8 for the scanner exactly when they are for the standard library`() {
        var random = SeededRandom(6)
        let bounds: [UInt8] = [
            0x20, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
            0xEF,
            0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<50_000 {
            let padding = [UInt8](repeating: 0x61, count: Int.random(in: 0...9, using: &random))
            let count = Int.random(in: 0...4, using: &random)
            let bytes = padding + (0..<count).map { _ in bounds.randomElement(using: &random) ?? 0 }
            let expected = String(validating: bytes, as: UTF8.self) == nil ? nil : bytes
            #expect(unescaped(bytes) == expected, "\(bytes)")
        }
    }

    @Test func `every code point survives as itself and as an escape`() {
        for value in stride(from: UInt32(0x80), through: 0x10FFFF, by: 61) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = Array(String(Character(scalar)).utf8)
            #expect(unescaped(text) == text)
            #expect(unescaped(escape(scalar).utf8) == text)
        }
    }

    @Test func `every byte ends plain text or does not, wherever it stands`() {
        for length in 1...24 {
            for index in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: 0x61, count: length)
                    bytes[index] = byte
                    let isPlain =
                        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                    #expect((unescaped(bytes) != nil) == isPlain, "\(byte) at \(index) of \(length)")
                }
            }
        }
    }

    private func hasRepeatedName(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        return ["message", "content", "thinking", "tool_calls", "done", "done_reason", "error"].contains {
            text.ranges(of: "\"\($0)\"").count > 1
        }
    }

    /// Text, and one of the ways to write it in JSON.
    private func text(using random: inout SeededRandom) -> (String, raw: String) {
        let alphabet: [Unicode.Scalar] = [
            "a", "é", "€", "🦊", "\"", "\\", "/", "\n", "\0", "\u{7F}", "\u{301}", "\u{FFFF}", "\u{10FFFF}",
        ]
        var text = ""
        var raw = ""
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let scalar = alphabet.randomElement(using: &random) ?? "a"
            let isSyntax = scalar == "\"" || scalar == "\\" || scalar.value < 0x20
            text.unicodeScalars.append(scalar)
            raw += isSyntax || Int.random(in: 0..<4, using: &random) == 0 ? escape(scalar) : String(Character(scalar))
        }
        return (text, raw)
    }

    private func escape(_ scalar: Unicode.Scalar) -> String {
        String(scalar).utf16.map { unit in
            let digits = String(unit, radix: 16, uppercase: unit % 2 == 0)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}
