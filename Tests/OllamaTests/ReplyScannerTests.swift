import Ollama
import TestSupport
import Testing

@Suite struct ReplyScannerTests {
    @Test(arguments: OllamaCaptures.messages)
    func `an object that Ollama sent is a message, as Foundation reads it`(_ line: String) {
        guard case .message(let reading) = scan(line.utf8) else {
            Issue.record("\(scan(line.utf8))")
            return
        }
        #expect(decode(line.utf8) == .message(reading))
        #expect(scan((line + "\n").utf8) == .message(reading))
        #expect(reading.done == line.contains("\"done\":true"))
        #expect((reading.doneReason == nil) == !line.contains("done_reason"))
    }

    @Test(arguments: OllamaCaptures.errors)
    func `an error that Ollama sent is an error, as Foundation reads it`(_ line: String) {
        guard case .error(let text) = scan(line.utf8) else {
            Issue.record("\(scan(line.utf8))")
            return
        }
        if case .error(let whole) = decode(line.utf8), whole.first == UInt8(ascii: "{") {
            #expect(String(decoding: whole, as: UTF8.self).contains(String(decoding: text, as: UTF8.self)))
        } else {
            #expect(decode(line.utf8) == .error(text))
        }
    }

    @Test(arguments: OllamaCaptures.messages + OllamaCaptures.errors)
    func `a truncated object is neither a message nor an error`(_ line: String) {
        let bytes = Array(line.utf8)
        for count in bytes.indices { #expect(scan(bytes[..<count]) == .malformed, "after \(count) bytes") }
    }

    /// Whole objects of the usual shapes: what they say, `done`, `done_reason`, thinking, tool calls.
    @Test(arguments: [
        (#"{"message":{"content":"a"},"done":false}"#, Reading("a")),
        (#" { "done" : true , "message" : { "content" : "" , "x" : [ ] } } "#, Reading("", done: true)),
        (
            #"{"message":{"role":"assistant","content":"a","thinking":"b"},"done":false}"#,
            Reading("a", hasThinking: true)
        ),
        (#"{"message":{"thinking":"","content":"a"},"done":false}"#, Reading("a")),
        (
            #"{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":[1,{}]}}}]},"done":false}"#,
            Reading("", hasToolCalls: true)
        ),
        (#"{"n":[-0,0.5,1e9,-12.75E-3,1E+400],"message":{"content":"a"},"done":true}"#, Reading("a", done: true)),
        (
            #"{"x":{"done":1,"error":2,"message":3,"content":4},"message":{"content":"a"},"done":true}"#,
            Reading("a", done: true)
        ),
        (
            #"{"message":{"content":"\u003c\ud83e\udd8A\"\\\/\b\f\n\r\t"},"done":false}"#,
            Reading("<🦊\"\\/\u{8}\u{C}\n\r\t")
        ),
        (
            #"{"message":{"content":"\u0000\u007f\uFFFF\udbff\udfff"},"done":false}"#,
            Reading("\0\u{7F}\u{FFFF}\u{10FFFF}")
        ),
        (
            #"{"message":{"content":"a"},"done":true,"done_reason":"stop"}"#,
            Reading("a", done: true, doneReason: "stop")
        ),
    ])
    func `a plain reply is understood`(_ line: String, _ expected: Reading) {
        #expect(scan(line.utf8) == .message(expected))
        #expect(decode(line.utf8) == .message(expected))
    }

    /// What proxies and other engines send instead of what Ollama does.
    @Test(arguments: [
        (#"{"message":{},"done":true}"#, Reading("", done: true)),
        (#"{"message":{"content":null},"done":true}"#, Reading("", done: true)),
        (#"{"message":{"content":"a"}}"#, Reading("a")), (#"{"message":{"content":"a"},"done":null}"#, Reading("a")),
        (#"{"message":{"content":"a"},"done_reason":"stop"}"#, Reading("a", done: true, doneReason: "stop")),
        (#"{"message":{"content":"a"},"done_reason":""}"#, Reading("a", doneReason: "")),
        (#"{"message":{"content":"a"},"done":true,"done_reason":null}"#, Reading("a", done: true)),
        (#"{"message":{"content":"a"},"done":true,"error":null}"#, Reading("a", done: true)),
        (#"{"message":{"content":"a","thinking":null},"done":true}"#, Reading("a", done: true)),
        (#"{"message":{"content":"a","tool_calls":null},"done":true}"#, Reading("a", done: true)),
        (#"{"message":{"tool_calls":[{}]},"done":true}"#, Reading("", done: true, hasToolCalls: true)),
        (#"{"done":true}"#, Reading("", done: true)), (#"{"message":null,"done":true}"#, Reading("", done: true)),
        (#"{"message":{"content":"a"},"error":"","done":true}"#, Reading("a", done: true)),
        (#"{"m\u0065ssage":{"c\u006fntent":"a"},"done":true}"#, Reading("a", done: true)),
        (#"{"message":{"content":"a"},"message":{"content":"b"},"done":true,"done":false}"#, Reading("b")),
        (#"{"message":{"content":"a","content":"b"},"done":true}"#, Reading("b", done: true)),
    ])
    func `an unusual reply is understood`(_ line: String, _ expected: Reading) {
        #expect(scan(line.utf8) == .message(expected))
    }

    @Test(arguments: [
        "", " ", "{}", "[]", "null", "\"a\"", "1", #"{"message":null,"done":false}"#,
        #"{"message":{"content":1},"done":true}"#, #"{"message":[],"done":true}"#,
        #"{"message":{"content":"a"},"done":"true"}"#, #"{"message":{"content":"a"},"done":1}"#,
        #"{"message":{"content":"a","tool_calls":{}},"done":true}"#,
        #"{"message":{"content":"a"},"done":true}x"#, #"{"message":{"content":"a"},"done":true}{}"#,
        #"{"message":{"content":"a"},"done":true,}"#, #"{"message":{"content":"a",},"done":true}"#,
        #"{,"message":{"content":"a"},"done":true}"#, #"{"message":{"content":"a"}"done":true}"#,
        #"{"message":{"content":"a"},"done":true,"x":}"#, #"{"message":{"content":"a"},"done":true,"x"}"#,
        #"{"message":{"content":"a"},"done":true]"#, #"{"message":{"content":"a"},"done":truE}"#,
        "\u{FEFF}{\"error\":\"a\"}",
    ])
    func `what is no reply is malformed`(_ line: String) {
        #expect(scan(line.utf8) == .malformed)
    }

    @Test(arguments: [
        "01", "00", "-", "+1", ".5", "1.", "1.e1", "1e", "1e+", "--1", "0x1", "1 2", "NaN", "Infinity", "nul", "nulll",
        "True",
        "'a'", "[1,]", "[,1]", "[1 2]", "[", "]", "{1:2}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "\"a",
        "\"\n\"", "\"\t\"", "\"\0\"",
        #""\x""#, #""\u12""#, #""\u12g4""#,
        #""\"#, #""\u"#, #""\ud800\"#, #""\ud800\udc0""#, "/*a*/1", "1//", "",
    ])
    func `a value that is not JSON spoils the reply`(_ value: String) {
        #expect(scan(#"{"x":\#(value),"message":{"content":"a"},"done":true}"#.utf8) == .malformed)
        #expect(scan(#"{"message":{"content":"a"},"done":true,"x":\#(value)}"#.utf8) == .malformed)
        #expect(scan(#"{"message":{"content":"a","x":\#(value)},"done":true}"#.utf8) == .malformed)
    }

    @Test func `nesting has a limit`() {
        func reply(_ depth: Int) -> String {
            let nest = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            return #"{"message":{"content":"a"},"x":\#(nest),"done":true}"#
        }
        #expect(scan(reply(511).utf8) == .message(Reading("a", done: true)))
        #expect(scan(reply(512).utf8) == .malformed)
        #expect(scan(reply(1_000_000).utf8) == .malformed)
        #expect(scan(String(repeating: "{\"message\":", count: 100_000).utf8) == .malformed)
    }

    @Test func `an error wins over a message`() {
        let line = #"{"message":{"content":"a"},"error":"b\u00fc","done":true}"#
        #expect(scan(line.utf8) == .error(Array("bü".utf8)))
        #expect(decode(line.utf8) == .error(Array("bü".utf8)))
    }
}

extension Reading {
    init(
        _ content: String, done: Bool = false, doneReason: String? = nil, hasThinking: Bool = false,
        hasToolCalls: Bool = false
    ) {
        self.init(
            content: Array(content.utf8), done: done, doneReason: doneReason.map { Array($0.utf8) },
            hasThinking: hasThinking, hasToolCalls: hasToolCalls)
    }
}
