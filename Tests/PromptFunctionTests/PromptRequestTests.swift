import JSON
import Foundation
import HTTPClient
import Ollama
@testable import PromptFunction
import Testing

/// What Foundation makes of a body: the oracle.
private struct Decoded: Decodable {
    var prompt: String?
    var model: String?
    var system: String?
    var stream: Bool?
}

private func decode(_ bytes: [UInt8]) -> Decoded? { try? JSONDecoder().decode(Decoded.self, from: Data(bytes)) }

/// Reading what a client asks.
@Suite struct `Prompt requests` {
    static let bodies = [
        "{}", " { } ", #"{"prompt":"x"}"#, #"{"model":"m","prompt":"x"}"#, #"{"prompt":"","model":""}"#,
        #"{"prompt":"\u00e9\ud83d\ude00\\\"\/\b\f\n\r\t é 😀"}"#,
        #"{"a":[1,-0.5e+3,true,null,{"prompt":"inner"}],"prompt":"x"}"#,
        #"{"prompt":null,"model":"m"}"#, #"{"pr\u006fmpt":"x"}"#, #"{"message":"Hello World"}"#,
        #"{"system":"s","stream":true,"prompt":"x"}"#, #"{"stream":false,"system":null}"#,
    ]
    static let wrong = [
        "", " ", "[]", "null", "1", "\"x\"", "{", "}", "{}{}", "{}x", #"{"prompt"}"#, #"{"prompt":}"#, #"{"prompt":1}"#,
        #"{"prompt":["x"]}"#, #"{"prompt":{}}"#, #"{"model":false}"#, #"{"prompt":"x""#, #"{"prompt":"x",}"#,
        #"{"prompt":"\ud800"}"#, #"{"prompt":"\x"}"#, "{\"prompt\":\"\n\"}", #"{prompt:"x"}"#, #"{'prompt':'x'}"#,
        #"{"a":01}"#, #"{"a":tru}"#, #"{"stream":"yes"}"#,
    ]

    @Test(arguments: bodies)
    func `what is right is read as Foundation reads it`(body: String) throws {
        let decoded = try #require(decode(Array(body.utf8)))
        let read = try PromptRequest(body: Array(body.utf8))
        #expect(read.prompt?.string == decoded.prompt)
        #expect(read.model?.string == decoded.model)
        #expect(read.system?.string == decoded.system)
        #expect(read.stream == decoded.stream ?? false)
    }

    @Test(arguments: wrong)
    func `what is wrong is refused`(body: String) {
        #expect(throws: PromptFailure.self) { try PromptRequest(body: Array(body.utf8)) }
    }

    @Test(arguments: bodies)
    func `mutations are read as Foundation reads them, or refused`(body: String) {
        for index in 0..<body.utf8.count {
            for replacement: UInt8 in [0, 0x22, 0x5C, 0x7B, 0x7D, 0x2C, 0x3A, 0x80, 0xC3, 0xFF] {
                var bytes = Array(body.utf8)
                bytes[index] = replacement
                guard let read = try? PromptRequest(body: bytes) else { continue }
                let decoded = decode(bytes)
                #expect(decoded != nil, "\(String(decoding: bytes, as: UTF8.self))")
                #expect(read.prompt?.string == decoded?.prompt)
                #expect(read.model?.string == decoded?.model)
            }
        }
    }

    @Test func `a byte order mark is skipped, once`() throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let read = try PromptRequest(body: mark + Array(#"{"prompt":"x","messages":[]}"#.utf8))
        #expect(read.prompt?.string == "x" && read.messages?.bytes.isEmpty == true)
        #expect(throws: PromptFailure.self) { try PromptRequest(body: mark + mark + Array("{}".utf8)) }
        #expect(throws: PromptFailure.self) { try PromptRequest(body: mark) }
    }

    @Test func `another encoding is named`() {
        let text = #"{"prompt":"caf\u{E9}"}"#.replacing("\\u{E9}", with: "\u{E9}")
        let utf16 = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        let littleEndian = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let latin1 = text.unicodeScalars.map { UInt8($0.value) }
        for (body, word) in [
            (utf16, "UTF-16"), (littleEndian, "UTF-16"), ([0xFE, 0xFF] + utf16, "UTF-16"),
            ([0xFF, 0xFE] + littleEndian, "UTF-16"), (latin1, "Latin-1"),
        ] {
            let failure = #expect(throws: PromptFailure.self) { try PromptRequest(body: body) }
            #expect(failure?.cause(withTexts: false).contains("Send the body in UTF-8") == true)
            #expect(failure?.cause(withTexts: false).contains(word) == true)
        }
    }

    @Test func `of equal names the last counts`() throws {
        let read = try PromptRequest(
            body: Array(#"{"prompt":"a","stream":true,"prompt":"b","stream":false,"tools":[{}],"tools":[]}"#.utf8))
        #expect(read.prompt?.string == "b")
        #expect(!read.stream && !read.hasTools)
    }

    /// What a request becomes for Ollama.
    @Test(arguments: [
        ("{}", #""messages":[{"role":"user","content":"Who are you?"}],"stream":false"#),
        (#"{"messages":[]}"#, #""messages":[],"stream":false"#),
        (#"{"messages":[ ],"prompt":"p"}"#, #""messages":[{"role":"user","content":"p"}],"stream":false"#),
        (
            #"{"messages":[{"role":"user","content":"a"}, {"role":"assistant","content":null,"tool_calls":[{}]}],"prompt":"p","stream":true}"#,
            #""messages":[{"role":"user","content":"a"}, {"role":"assistant","content":null,"tool_calls":[{}]},{"role":"user","content":"p"}],"stream":true"#
        ),
        (
            #"{"messages":[{"role":"user","content":"a","images":["aGk="]}],"system":"be \"brief\""}"#,
            #""messages":[{"role":"system","content":"be \"brief\""},{"role":"user","content":"a","images":["aGk="]}],"stream":false"#
        ),
        (
            #"{"images":["aGk=" ],"prompt":"p"}"#,
            #""messages":[{"role":"user","content":"p","images":["aGk=" ]}],"stream":false"#
        ),
        (
            #"{"options":{"seed": 1},"think":"low"}"#,
            #""messages":[{"role":"user","content":"Who are you?"}],"stream":false,"options":{"seed": 1},"think":"low""#
        ),
        (
            #"{"format":"json","tools":[{"a":1}],"keep_alive":-1,"think":false,"options":null}"#,
            #""messages":[{"role":"user","content":"Who are you?"}],"stream":false,"format":"json","think":false,"tools":[{"a":1}],"keep_alive":-1"#
        ),
        (
            #"{"format":"","think":""}"#,
            #""messages":[{"role":"user","content":"Who are you?"}],"stream":false,"think":"""#
        ),
        (
            #"{"logprobs":true,"prompt":"p","top_logprobs": 3, "truncate":false,"sh\u0069ft" :false,"x":{"a":[1]},"message":"Hi"}"#,
            #""messages":[{"role":"user","content":"p"}],"stream":false,"logprobs":true,"top_logprobs": 3,"truncate":false,"sh\u0069ft" :false,"x":{"a":[1]},"message":"Hi""#
        ),
        (
            #"{"format":{"type":"object"},"keep_alive":"5m"}"#,
            #""messages":[{"role":"user","content":"Who are you?"}],"stream":false,"format":{"type":"object"},"keep_alive":"5m""#
        ),
    ])
    func `the whole of Ollama's chat can be asked for`(body: String, rest: String) throws {
        let chat = try PromptRequest(body: Array(body.utf8)).chat(defaultModel: JSONText("m\""))
        let json = chat.json
        #expect(String(decoding: json, as: UTF8.self) == #"{"model":"m\"",\#(rest)}"#)
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(json)) }
    }

    @Test(arguments: [
        (#"{"messages":"x"}"#, "\"messages\" as an array"),
        (#"{"messages":["x"]}"#, "\"messages\" as an array of objects"),
        (#"{"messages":[{}]}"#, "\"role\" as a string"), (#"{"messages":[{"role":1}]}"#, "\"role\" as a string"),
        (#"{"messages":[{"role":"user","content":[]}]}"#, "\"content\" as a string"),
        (#"{"messages":[{"role":"user","images":[1]}]}"#, "\"images\" as an array"),
        (#"{"messages":[{"role":"user","tool_calls":[1]}]}"#, "\"tool_calls\" as an array"),
        (#"{"system":1}"#, "\"system\" as a string"), (#"{"options":[]}"#, "\"options\" as an object"),
        (#"{"format":"xml"}"#, "\"format\" as \"json\""), (#"{"format":1}"#, "\"format\" as \"json\""),
        (#"{"think":1}"#, "\"think\" as true"), (#"{"tools":{}}"#, "\"tools\" as an array"),
        (#"{"tools":[1]}"#, "\"tools\" as an array"), (#"{"images":["a",1]}"#, "\"images\" as an array"),
        (#"{"keep_alive":[]}"#, "\"keep_alive\" as a duration"), (#"{"stream":1}"#, "\"stream\" as true or false"),
        (#"{"timeout":"soon"}"#, "\"timeout\" as a number"), (#"{"timeout":-1}"#, "\"timeout\" as a number"),
        (#"{"timeout":{"total":0}}"#, "\"timeout\" as a number"), (#"{"timeout":[]}"#, "\"timeout\" as a number"),
        (#"{"images":["a"],"messages":[]}"#, "Put \"images\" into the message"),
    ])
    func `a field of the wrong type is named`(body: String, sentence: String) {
        #expect {
            try PromptRequest(body: Array(body.utf8))
        } throws: { error in
            guard case .badRequest(let text) = error as? PromptFailure else { return false }
            return text.contains(sentence)
        }
    }

    /// Ollama would take these for its own, past what is decided here.
    @Test(arguments: [
        "Model", "MODEL", "mode\\u004c", "Options", "STREAM", "Thin\u{212A}", "option\u{17F}", "Keep_Alive", "Prompt",
    ])
    func `a known name in other letters is rejected`(name: String) {
        #expect {
            try PromptRequest(body: Array("{\"\(name)\":1}".utf8))
        } throws: { error in
            guard case .badRequest(let text) = error as? PromptFailure else { return false }
            return text.hasPrefix("Write the name") && text.hasSuffix("in lower case.")
        }
    }

    @Test(arguments: [
        (#"{"prompt":"x",}"#, "byte 15: a comma before a closing bracket"),
        (#"{"a":[1,]}"#, "byte 9: a comma before a closing bracket"),
        (#"{"a":NaN}"#, "byte 6: NaN is not a JSON number"),
        (#"{"a":-Infinity}"#, "byte 7: Infinity is not a JSON number"),
        (#"{prompt:"x"}"#, "byte 2: names need double quotes"),
        (#"{'prompt':'x'}"#, "byte 2: strings and names need double quotes"),
        ("{\"a\":\"\n\"}", "byte 7: a control character"),
        (#"{"a":1 // no"#, "byte 8: JSON has no comments"), (#"{"a" 1}"#, "byte 6: unexpected '1'"),
        (#"{"a" {}}"#, "byte 6: unexpected '{'"), (#"{"a":1 [2]}"#, "byte 8: unexpected '['"),
        (#"{"a":"#, "ends too early, after 5 bytes"), (#"{"a":1}x"#, "byte 8: unexpected 'x'"),
        ("{\"a\":" + String(repeating: "[", count: 600), "byte 517: arrays and objects are nested deeper than 512"),
    ])
    func `where a body stops being JSON is told`(body: String, sentence: String) {
        #expect {
            try PromptRequest(body: Array(body.utf8))
        } throws: { error in
            guard case .badRequest(let text) = error as? PromptFailure else { return false }
            return text.hasPrefix("Send a JSON object") && text.contains(sentence)
        }
    }

    @Test func `timeouts are lowered, never raised`() throws {
        var allowed = PromptFunction.Settings(hosts: [try OllamaHost.parse("a").0]).deadlines
        allowed.idle = .zero
        allowed.total = .seconds(10)
        let request = try PromptRequest(
            body: Array(#"{"timeout":{"total":"1h","idle":"500ms","first_token":2.5,"connect":"1s","unknown":1}}"#.utf8)
        )
        let deadlines = try #require(request.timeouts.deadlines(within: allowed))
        #expect(deadlines.total == .seconds(10))
        #expect(deadlines.idle == .milliseconds(500))
        #expect(deadlines.firstByte == .milliseconds(2500))
        #expect(deadlines.connect == .seconds(1))
        let total = try PromptRequest(body: Array(#"{"timeout":3}"#.utf8))
        #expect(total.timeouts.deadlines(within: allowed)?.total == .seconds(3))
        let none = try PromptRequest(body: Array("{}".utf8))
        #expect(none.timeouts.deadlines(within: allowed) == nil)
    }
}
