import APIs
import Foundation
import Testing

@testable import OpenAI

/// From a request in Ollama's form to one in OpenAI's.
@Suite struct `Translation of requests` {
    private static func translate(_ json: String, from endpoint: Endpoint = .chat) throws(Untranslatable) -> String {
        String(decoding: try RequestTranslation.translate(Array(json.utf8), from: endpoint), as: UTF8.self)
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
            #""response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":{"type":"object"}}}"#
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

    @Test func `refuses a request that only loads a model`() {
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m","messages":[]}"#) }
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m"}"#, from: .generate) }
        #expect(throws: Untranslatable.self) { try Self.translate(#"{"model":"m","prompt":""}"#, from: .generate) }
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
                == #"{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":"#
                + #"{"name":"a","arguments":"{\"x\":\"\\\"1\\\"\"}"}},{"id":"call_2","type":"function","function":"#
                + #"{"name":"b","arguments":"{}"}}]},{"role":"tool","content":"B","tool_call_id":"call_2"},"#
                + #"{"role":"tool","content":"A","tool_call_id":"call_1"}"#)
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
