import APIs
import Foundation
import Testing

@testable import OpenAI

/// From a request in Ollama's form to one in OpenAI's.
@Suite struct `Translation of requests` {
    private static func translate(
        _ json: String, from endpoint: Endpoint = .chat, listed: [String] = []
    ) throws(Untranslatable) -> String {
        switch try RequestTranslation.translate(Array(json.utf8), from: endpoint, listed: listed) {
        case .request(let json): String(decoding: json, as: UTF8.self)
        case .load(let model): "loads \(model)"
        }
    }

    /// The members of the result besides those that every one has.
    private static func members(_ json: String, from endpoint: Endpoint = .chat) throws -> NSDictionary {
        let text = try translate(json, from: endpoint)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
    }

    private static let hi = #""messages":[{"role":"user","content":"hi"}]"#

    @Test func `keeps texts as they are, and asks for usage in a stream`() throws {
        let text =
            #"{"model":"a\/b","messages":[{"role":"system","content":"é\u00e9\ud83d"},{"role":"user","content":""}]"#
        #expect(
            try Self.translate(text + #","stream":true}"#)
                == text + #","stream":true,"stream_options":{"include_usage":true}}"#)
        #expect(try Self.translate(text + #","stream":false}"#) == text + #","stream":false}"#)
        #expect(try Self.translate(text + "}") == text + #","stream":true,"stream_options":{"include_usage":true}}"#)
    }

    @Test(arguments: [
        (#""options":{"num_predict":7}"#, #""max_tokens":7"#), (#""options":{"num_predict":-1}"#, ""),
        (
            #""options":{"temperature":0.5,"top_p":1,"seed":3,"stop":["a"]}"#,
            #""temperature":0.5,"top_p":1,"seed":3,"stop":["a"]"#
        ),
        (#""options":{"presence_penalty":1,"frequency_penalty":2}"#, #""presence_penalty":1,"frequency_penalty":2"#),
        (#""options":{"top_k":4,"min_p":0.1}"#, #""top_k":4,"min_p":0.1"#),
        (#""options":{}"#, ""), (#""options":null"#, ""), (#""options":{"num_ctx":null}"#, ""),
        (#""format":"json""#, #""response_format":{"type":"json_object"}"#), (#""format":"""#, ""),
        (
            #""format":{"type":"object"}"#,
            #""response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"}}}"#
        ),
        (#""think":false"#, #""reasoning_effort":"none""#), (#""think":true"#, #""reasoning_effort":"medium""#),
        (#""think":"high""#, #""reasoning_effort":"high""#), (#""think":null"#, ""),
        (#""keep_alive":"5m""#, ""), (#""keep_alive":-1"#, ""), (#""keep_alive":null"#, ""),
        (#""logprobs":true,"top_logprobs":2"#, #""logprobs":true,"top_logprobs":2"#),
        (#""message":"Hello World","\u0061b":[{}]"#, #""message":"Hello World","ab":[{}]"#),
        (
            #""tools":[{"type":"function","function":{"name":"f"}}]"#,
            #""tools":[{"type":"function","function":{"name":"f"}}]"#
        ),
    ])
    func `turns members into their counterparts`(member: String, expected: String) throws {
        let wanted = #"{"model":"m",\#(Self.hi),"stream":false\#(expected.isEmpty ? "" : ",")\#(expected)}"#
        let all = try Self.members(#"{"model":"m",\#(Self.hi),"stream":false,\#(member)}"#)
        let parsed = try JSONSerialization.jsonObject(with: Data(wanted.utf8)) as? NSDictionary
        #expect(all == parsed)
    }

    @Test(arguments: [
        ("options.num_ctx", #""options":{"num_ctx":4096}"#),
        ("options.repeat_penalty", #""options":{"repeat_penalty":1}"#),
        ("truncate", #""truncate":true"#), ("shift", #""shift":false"#), ("raw", #""raw":true"#),
        ("template", #""template":"x""#), ("context", #""context":[1]"#), ("suffix", #""suffix":"}""#),
    ])
    func `refuses by name what has no counterpart`(name: String, member: String) {
        #expect(throws: Untranslatable.noCounterpart(name)) {
            try Self.translate(#"{"model":"m",\#(Self.hi),\#(member)}"#)
        }
    }

    /// Behind it would stand what the operator's limits forbid.
    @Test(arguments: ["n", "max_tokens", "max_completion_tokens", "response_format", "stream_options"])
    func `refuses OpenAI's own names where Ollama has others`(name: String) {
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m",\#(Self.hi),"\#(name)":1}"#) }
        let escaped = "\\u00" + String(name.utf8.first!, radix: 16) + name.dropFirst()
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m",\#(Self.hi),"\#(escaped)":1}"#) }
    }

    @Test(arguments: [#""keep_alive":0"#, #""keep_alive":"0s""#, #""keep_alive":"0""#])
    func `refuses to unload a model`(member: String) {
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m",\#(Self.hi),\#(member)}"#) }
    }

    @Test func `a request without a prompt only loads its model`() throws {
        #expect(try Self.translate(#"{"model":"m","messages":[]}"#) == "loads m")
        #expect(try Self.translate(#"{"model":"m:latest"}"#, from: .generate, listed: ["M"]) == "loads M")
        #expect(try Self.translate(#"{"model":"m","prompt":""}"#, from: .generate) == "loads m")
    }

    @Test(arguments: [
        ("Org/B", "Org/B"), ("org/b:latest", "Org/B"), ("ORG/b", "Org/B"), ("other", "other"), ("x:latest", "x:latest"),
    ])
    func `writes a model's name as the server lists it`(name: String, sent: String) throws {
        let text = try Self.translate(#"{"model":"\#(name)",\#(Self.hi)}"#, listed: ["a", "Org/B", "x:latest", "x"])
        #expect(text.hasPrefix(#"{"model":"\#(sent)","#))
    }

    /// In the result they would stand twice, or mean something else.
    @Test(arguments: [
        #""options":{"temperature":0},"temperature":1"#, #""think":true,"reasoning_effort":"low""#,
        #""format":"json","format":"""#, #""options":{"seed":1,"seed":2}"#, #""x":1,"\u0078":2"#, #""Format":"json""#,
        #""OPTIONS":{}"#, #""stream":"no""#, #""options":[]"#, #""think":1"#, #""format":5"#, #""model":5"#,
    ])
    func `refuses what would be said twice, or has the wrong type`(member: String) {
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m",\#(Self.hi),\#(member)}"#) }
    }

    @Test(arguments: [
        #"{"content":"x"}"#, #"{"role":5}"#, #"{"role":"user","content":["x"]}"#, #"{"role":"user","Content":"x"}"#,
        #"{"role":"user","images":"x"}"#, #"{"role":"user","images":[""]}"#, #"{"role":"user","images":[5]}"#,
        #"{"role":"user","tool_calls":{}}"#, #"{"role":"user","tool_calls":[{}]}"#,
        #"{"role":"user","tool_calls":[5]}"#,
        #"{"role":"a","role":"b"}"#, #"{"role":"a","thinking":"x","reasoning_content":"y"}"#, "5",
        #"{"role":"tool","tool_call_id":5}"#,
    ])
    func `refuses messages that are none`(message: String) {
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m","messages":[\#(message)]}"#) }
    }

    @Test func `refuses what is told in few bytes and needs many`() {
        let calls = String(repeating: #"{"function":{"name":""}},"#, count: 5000).dropLast()
        #expect(throws: Untranslatable.self) {
            try Self.translate(#"{"model":"m","messages":[{"role":"a","tool_calls":[\#(calls)]}]}"#)
        }
        let images = String(repeating: #""AAAA","#, count: 50_000).dropLast()
        #expect(throws: Untranslatable.self) {
            try Self.translate(#"{"model":"m","messages":[{"role":"a","images":[\#(images)]}]}"#)
        }
        let members = (0..<300).map { #""m\#($0)":1"# }.joined(separator: ",")
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m",\#(Self.hi),\#(members)}"#) }
    }

    /// Four thousand calls, and as many results.
    @Test func `finds the calls of many results at once`() throws {
        let calls = (0..<4096).map { _ in #"{"function":{"name":"a"}}"# }.joined(separator: ",")
        let results = (0..<4096).map {
            #"{"role":"tool","content":"\#($0)"\#($0 % 2 == 0 ? #","tool_name":"a""# : "")}"#
        }
        .joined(separator: ",")
        let text = try Self.translate(
            #"{"model":"m","messages":[{"role":"assistant","tool_calls":[\#(calls)]},\#(results)]}"#)
        #expect(text.contains(#""content":"0","tool_call_id":"pd0000001""#))
        #expect(text.contains(#""content":"4095","tool_call_id":"pd0004096""#))
    }

    // MARK: Messages

    private static func messages(_ json: String) throws -> String {
        let text = try translate(#"{"model":"m","messages":[\#(json)],"stream":false}"#)
        return String(
            text.dropFirst(#"{"model":"m","messages":["#.utf8.count).dropLast(#"],"stream":false}"#.utf8.count))
    }

    @Test func `images become data URLs of their kind`() throws {
        for (image, type) in [("/9j/4AA", "jpeg"), ("iVBORw0", "png"), ("R0lGODl", "gif"), ("UklGRh4", "webp")] {
            #expect(
                try Self.messages(#"{"role":"user","content":"see","images":["\#(image)"]}"#)
                    == #"{"role":"user","content":[{"type":"text","text":"see"},"#
                    + #"{"type":"image_url","image_url":{"url":"data:image/\#(type);base64,\#(image)"}}]}"#)
        }
        #expect(
            try Self.messages(#"{"images":["data:image/png;base64,AA==","/9j/"],"content":"","role":"user"}"#)
                == #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},"#
                + #"{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/"}}]}"#)
    }

    @Test func `tool calls get their ids and their arguments as text, and results the ids of their calls`() throws {
        let asked = try Self.messages(
            #"""
            {"role":"assistant","tool_calls":[{"function":{"name":"a","arguments":{"x":"\"1\""}}},{"function":{"name":"b"}}]},
            {"role":"tool","tool_name":"b","content":"B"},{"role":"tool","content":"A"}
            """#)
        #expect(
            asked
                == #"{"role":"assistant","content":null,"tool_calls":[{"id":"pd0000001","type":"function","function":"#
                + #"{"name":"a","arguments":"{\"x\":\"\\\"1\\\"\"}"}},{"id":"pd0000002","type":"function","function":"#
                + #"{"name":"b","arguments":"{}"}}]},{"role":"tool","content":"B","tool_call_id":"pd0000002"},"#
                + #"{"role":"tool","content":"A","tool_call_id":"pd0000001"}"#)
        let apart = try Self.messages(
            #"{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]},"#
                + #"{"role":"assistant","tool_calls":[{"function":{"name":"g"}}]},"#
                + #"{"role":"tool","tool_name":"f","tool_calls":[],"tool_call_id":""},{"role":"tool","tool_name":"g"},"#
                + #"{"role":"tool","tool_name":"h"}"#)
        #expect(
            apart.hasSuffix(
                #"{"role":"tool","content":"","tool_call_id":"pd0000001"},{"role":"tool","content":"","tool_call_id":"pd0000002"},"#
                    + #"{"role":"tool","content":"","tool_call_id":"pd0000003"}"#), "\(apart)")
        let mixed = try Self.messages(
            #"{"role":"assistant","tool_calls":[{"id":"x1","function":{"name":"a"}},{"id":"x2","function":{"name":"a"}}]},"#
                + #"{"role":"tool","tool_call_id":"x1"},{"role":"tool","tool_name":"a"}"#)
        #expect(mixed.hasSuffix(#""tool_call_id":"x1"},{"role":"tool","content":"","tool_call_id":"x2"}"#))
        let own = try Self.messages(
            #"{"role":"assistant","content":"","tool_calls":[{"id":"z","function":{"name":"a","arguments":"{}"}}]},"#
                + #"{"role":"tool","tool_call_id":"z","content":"A"}"#)
        #expect(
            own
                == #"{"role":"assistant","content":"","tool_calls":[{"id":"z","type":"function","function":"#
                + #"{"name":"a","arguments":"{}"}}]},{"role":"tool","content":"A","tool_call_id":"z"}"#)
    }

    @Test func `thinking and unknown members stay with their message`() throws {
        #expect(
            try Self.messages(#"{"role":"assistant","thinking":"hm","content":"x","name":"n","o":null}"#)
                == #"{"role":"assistant","content":"x","reasoning_content":"hm","name":"n"}"#)
    }

    @Test func `a request to generate becomes a chat`() throws {
        #expect(
            try Self.translate(
                #"{"model":"m","system":"s","prompt":"p","images":["/9j/"],"raw":false,"context":[],"stream":false}"#,
                from: .generate)
                == #"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":["#
                + #"{"type":"text","text":"p"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/"}}]}]"#
                + #","stream":false}"#)
    }
}
