import APIs
import Foundation
import HTTPClient
import Ollama
import Testing

@testable import OpenAI

/// What comes of an answer in Ollama's form.
private final class Objects: ChatReceiver {
    private var halves = HalfPairs()
    private(set) var lines: [String] = []
    private(set) var tokens: Int?
    private(set) var held = 0
    var limit = Int.max

    func begin(_ flow: BodyFlow) {}

    func mayHold(_ count: Int) -> Bool {
        held = max(held, count)
        return count <= limit
    }

    func receive(_ part: borrowing ChatPart) {
        var object: [UInt8] = []
        part.appendObject(to: &object, after: &halves)
        lines.append(String(decoding: object, as: UTF8.self))
        if part.isDone { tokens = part.usage.output }
    }

    func endRead() -> Bool { true }
}

/// The objects that come of a stream which is received in pieces that end at `offsets`.
private func translate(
    _ stream: String, _ shape: ObjectShape = .chat, splitAt offsets: [Int] = [], to objects: Objects = Objects()
) -> (Objects, OllamaError?) {
    let bytes = Array(stream.utf8)
    let reader = ChatReader(objects, translator: StreamTranslation(shape))
    var start = 0
    for end in offsets + [bytes.count] where end > start {
        reader.receive(bytes[start..<end].span)
        if case .stop = reader.endRead() { break }
        start = end
    }
    do throws(OllamaError) {
        try reader.end()
        return (objects, nil)
    } catch {
        return (objects, error)
    }
}

/// One chunk as an event.
private func chunk(_ delta: String, _ reason: String = "null", further: String = "") -> String {
    #"data: {"id":"c","object":"chat.completion.chunk","created":1795628291,"model":"m","choices":[{"index":0,"delta":{\#(delta)},"logprobs":null,"finish_reason":\#(reason)}]\#(further)}"#
        + "\n\n"
}

private let head = #"{"model":"m","created_at":"2026-11-25T17:38:11Z","message":{"role":"assistant","content":"#

/// The text with numbers that depend on the time left out.
private func timeless(_ line: String) -> String {
    line.replacing(/"(total|eval|prompt_eval)_duration":\d+/) { "\"\($0.1)_duration\":N" }
}

/// From a stream or a completion of OpenAI's API to Ollama's objects.
@Suite struct `Translation of answers` {
    private static let usage =
        #"data: {"id":"c","object":"chat.completion.chunk","created":1795628291,"model":"m","choices":[],"usage":{"prompt_tokens":5,"total_tokens":8,"completion_tokens":3}}"#
        + "\n\n"
    private static let done = "data: [DONE]\n\n"
    private static let start = chunk(#""role":"assistant","content":"""#)

    @Test func `each token becomes an object, and the end has reason and usage`() {
        let stream =
            ": processing\n\n" + Self.start + chunk(#""content":"a\n\"é\u00e9""#) + chunk(#""content":"\ud83d""#)
            + chunk(#""content":"\ude00""#) + chunk("", "\"length\"") + Self.usage + Self.done
        let (objects, error) = translate(stream)
        #expect(error == nil && objects.tokens == 3)
        #expect(
            objects.lines.map(timeless) == [
                head + #""a\n\"é\u00e9"},"done":false}"#, head + #"""},"done":false}"#,
                head + #""😀"},"done":false}"#,
                head + #"""},"done":true,"done_reason":"length","total_duration":N,"prompt_eval_count":5,"#
                    + #""prompt_eval_duration":N,"eval_count":3,"eval_duration":N}"#,
            ])
        for offset in 0..<stream.utf8.count {
            let (split, error) = translate(stream, splitAt: [offset])
            #expect(error == nil && split.lines.map(timeless) == objects.lines.map(timeless))
        }
    }

    @Test(arguments: [
        #""reasoning_content":"hm","content":null"#, #""reasoning":"hm""#,
        #""reasoning":"hm","reasoning_content":"hm","content":"""#,
    ])
    func `thinking has several names`(delta: String) {
        let (objects, error) = translate(Self.start + chunk(delta) + chunk("", "\"stop\"") + Self.done)
        #expect(error == nil && objects.lines.first == head + #""","thinking":"hm"},"done":false}"#)
    }

    @Test func `tool calls are put together, and come before the end`() {
        let pieces = [
            #""tool_calls":[{"index":0,"id":"x1","type":"function","function":{"name":"get","arguments":""}}]"#,
            #""tool_calls":[{"index":0,"function":{"arguments":"{\"ci"}}]"#,
            #""tool_calls":[{"index":0,"function":{"arguments":"ty\": \"\ud83d"}}]"#,
            #""tool_calls":[{"index":0,"function":{"arguments":"\ude00\"}"}}]"#,
            #""tool_calls":[{"index":1,"id":"x2","type":"function","function":{"name":"none","arguments":""}}]"#,
        ]
        let stream =
            Self.start + pieces.map { chunk($0) }.joined() + chunk("", "\"tool_calls\"") + Self.usage + Self.done
        let (objects, error) = translate(stream)
        #expect(error == nil)
        #expect(
            objects.lines.first == head
                + #""","tool_calls":[{"id":"x1","function":{"index":0,"name":"get","arguments":{"city": "😀"}}},"#
                + #"{"id":"x2","function":{"index":1,"name":"none","arguments":{}}}]},"done":false}"#)
        #expect(objects.lines.count == 2 && objects.lines[1].contains(#""done_reason":"stop""#))
    }

    private static func calls(_ calls: String) -> String { chunk(#""tool_calls":[\#(calls)]"#) }

    private static let stopped = chunk("", "\"tool_calls\"") + done

    @Test(arguments: ["{\\\"a\\\":", "[]", "{}{}", "x"])
    func `a tool call that breaks off, or is none, ends the answer with an error`(arguments: String) {
        let call = Self.calls(#"{"index":0,"id":"x","function":{"name":"f","arguments":"\#(arguments)"}}"#)
        let (objects, error) = translate(call + Self.stopped)
        #expect(error == .malformedResponse && objects.lines.isEmpty)
        #expect(translate(call + chunk("", "\"length\"") + Self.done).1 == .cutToolCall)
        #expect(translate(Self.calls(#"{"index":0,"id":"x"}"#) + Self.stopped).1 == .malformedResponse)
    }

    @Test(arguments: [
        (#"{"id":"a","function":{"name":"f","arguments":{"x":1}}}"#, #"[a f {"x":1}]"#),
        (
            #"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"b","function":{"name":"g","arguments":""}}"#,
            "[a f {}][b g {}]"
        ),
        (#"{"function":{"name":"get_"}}|{"function":{"name":"weather"}}"#, "[ get_weather {}]"),
        (#"{"id":"a","function":{"name":"f"}}|{"id":"a","function":{"name":"f","arguments":"{}"}}"#, "[a f {}]"),
        (
            #"{"id":"a","function":{"name":"f","arguments":"{}"}}|{"id":"b","function":{"name":"g","arguments":"{}"}}"#,
            "[a f {}][b g {}]"
        ),
        (#"{"function":{"name":"f","arguments":"{}"}}|{"function":{"name":"f","arguments":"{}"}}"#, "[ f {}][ f {}]"),
        (
            #"{"function":{"name":"f","arguments":"{\"a\""}}|{"function":{"name":"f","arguments":":1}"}}"#,
            #"[ f {"a":1}]"#
        ),
        (#"{"function":{"name":"f","arguments":"null"}}"#, "[ f {}]"),
        (#"{"function":{"name":"f","arguments":" "}}"#, "[ f {}]"),
    ])
    func `tool calls are told apart however they are numbered`(pieces: String, expected: String) throws {
        let stream = pieces.split(separator: "|").map { Self.calls(String($0)) }.joined() + Self.stopped
        let (objects, error) = translate(stream)
        #expect(error == nil)
        let line = try JSONSerialization.jsonObject(with: Data(objects.lines[0].utf8)) as? [String: Any]
        let calls = try #require((line?["message"] as? [String: Any])?["tool_calls"] as? [[String: Any]])
        let said = try calls.map { call in
            let function = try #require(call["function"] as? [String: Any])
            let arguments = try JSONSerialization.data(withJSONObject: try #require(function["arguments"]))
            return "[\(call["id"] ?? "") \(function["name"] ?? "") \(String(decoding: arguments, as: UTF8.self))]"
        }
        #expect(said.joined() == expected)
    }

    @Test func `probabilities are passed on`() {
        let chunk =
            #"data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1}]},"finish_reason":"stop"}]}"#
        let (objects, error) = translate(chunk + "\n\n" + Self.done)
        #expect(error == nil)
        #expect(objects.lines[0].hasSuffix(#""content":"a"},"logprobs":[{"token":"a","logprob":-1}],"done":false}"#))
    }

    @Test(arguments: ["error", "abort"])
    func `an answer that the server has given up is none`(reason: String) {
        #expect(
            translate(chunk(#""content":"a""#, "\"\(reason)\"") + Self.done).1
                == .failed(message: "it gave the answer up"))
    }

    @Test func `a reason that nobody has given is not made up`() {
        let (objects, error) = translate(chunk(#""content":"a""#) + Self.done)
        #expect(error == nil && !objects.lines[1].contains("done_reason"))
    }

    @Test func `a first chunk without a choice says nothing of the model`() {
        let first = #"data: {"choices":[],"created":0,"model":"","prompt_filter_results":[]}"#
        let (objects, error) = translate(first + "\n\n" + chunk(#""content":"a""#, "\"stop\"") + Self.done)
        #expect(error == nil && objects.lines[0].hasPrefix(head))
    }

    @Test func `a byte order mark and spaces do no harm`() {
        let (objects, error) = translate("\u{FEFF}" + chunk(#""content":"a""#, "\"stop\"") + "data: [DONE] \r\n\r\n")
        #expect(error == nil && objects.lines.count == 2)
    }

    /// Each object repeats the model's name.
    @Test func `no name is so long that an answer grows by it`() {
        let name = String(repeating: "n", count: 10_000)
        let (objects, error) = translate(
            #"data: {"model":"\#(name)","choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"# + "\n\n")
        #expect(error == nil && objects.lines[0].hasPrefix(#"{"model":"","#))
        let reason = translate(chunk(#""content":"a""#, "\"\(name)\""))
        #expect(reason.1 == .malformedResponse)
    }

    @Test func `the bytes of tool calls are accounted for, and limited`() {
        let piece = String(repeating: "a", count: 10_000)
        let call = chunk(#""tool_calls":[{"index":0,"function":{"arguments":"\#(piece)"}}]"#)
        let limited = Objects()
        limited.limit = 25_000
        let (objects, error) = translate(String(repeating: call, count: 4), to: limited)
        #expect(error == .transport(.noRoom) && objects.held > 30_000 && objects.held < 31_000)
        let many = (0..<1100).map { #"{"index":\#($0),"function":{"name":"f","arguments":"{}"}}"# }.joined(
            separator: ",")
        #expect(translate(chunk(#""tool_calls":[\#(many)]"#)).1 == .malformedResponse)
    }

    @Test func `a stream is complete by its marker, or by the reason why it ended`() {
        let text = Self.start + chunk(#""content":"a""#)
        #expect(translate(text).1 == .incomplete)
        #expect(translate(text + Self.done).1 == nil)
        let (objects, error) = translate(text + chunk("", "\"stop\""))
        #expect(error == nil && objects.lines.count == 2)
        #expect(translate(Self.done).1 == .incomplete)
        #expect(translate("").1 == .incomplete)
        #expect(translate(text + "event: ping\nid: 7\nretry: 3\n\n").1 == .incomplete)
    }

    @Test(arguments: [
        #"data: {"error":{"message":"out of memory","type":"server_error","code":500}}"#,
        #"data: {"error":"out of memory"}"#, #"{"error":{"message":"out of memory"}}"#,
        #"error: {"error":{"message":"out of memory"}}"#, #"error: {"code":500,"message":"out of memory"}"#,
        #"data: {"object":"error","message":"out of memory","type":"InternalServerError","code":500}"#,
    ])
    func `an error in a stream is the answer's`(line: String) {
        let (objects, error) = translate(chunk(#""content":"a""#) + line + "\n\n" + Self.done)
        #expect(error == .failed(message: "out of memory") && objects.lines.count == 1)
    }

    @Test(arguments: [
        "data: {", "data: []", #"data: {"choices":{}}"#, "data: x", #"data: {"a":1}"#, "out of memory", "{",
        #"data: {"choices":[{"text":"a","index":0}]}"#, #"data: {"choices":[1]}"#,
    ])
    func `what is no chunk ends the answer`(line: String) {
        #expect(translate(line + "\n\n").1 == .malformedResponse)
    }

    @Test func `a server that does not stream is understood too`() {
        let whole =
            #"{"object":"chat.completion","created":1795628291,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"completion_tokens":1}}"#
        for stream in [whole, whole + "\n"] {
            let (objects, error) = translate(stream)
            #expect(error == nil && objects.lines.count == 2 && objects.tokens == 1)
        }
    }

    @Test func `only the first choice counts`() {
        let other = #"data: {"model":"m","choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"stop"}]}"#
        let (objects, error) = translate(chunk(#""content":"a""#) + other + "\n\n" + chunk("", "\"stop\"") + Self.done)
        #expect(error == nil && objects.lines.count == 2)
    }

    @Test func `a generated text has the other shape`() {
        let (objects, error) = translate(
            chunk(#""reasoning_content":"hm""#) + chunk(#""content":"a""#) + chunk("", "\"stop\"") + Self.done,
            .generate)
        #expect(error == nil)
        let begin = #"{"model":"m","created_at":"2026-11-25T17:38:11Z","response":"#
        #expect(
            objects.lines.dropLast() == [begin + #""","thinking":"hm","done":false}"#, begin + #""a","done":false}"#])
        #expect(objects.lines.last?.hasPrefix(begin + #""","done":true,"done_reason":"stop""#) ?? false)
    }

    // MARK: Whole completions

    private static func whole(_ json: String) -> String? {
        let reply = try? WholeTranslation.translate(Array(json.utf8).span, .chat, began: .now)
        return reply.map { timeless(String(decoding: $0.bytes, as: UTF8.self)) }
    }

    private static func completion(_ message: String, _ reason: String) -> String {
        #"{"id":"c","object":"chat.completion","created":1795628291,"model":"m","choices":[{"index":0,"message":{\#(message)},"finish_reason":\#(reason)}],"usage":{"prompt_tokens":5,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":1}},"timings":{"a":1}}"#
    }

    private static let end = #""total_duration":N,"prompt_eval_count":5,"eval_count":3}"#

    @Test func `a completion becomes one object`() {
        #expect(
            Self.whole(Self.completion(#""role":"assistant","content":"a","reasoning_content":"hm""#, "\"stop\""))
                == head + #""a","thinking":"hm"},"done":true,"done_reason":"stop",\#(Self.end)"#)
        let call =
            #""content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}}]"#
        #expect(
            Self.whole(Self.completion(call, "\"tool_calls\""))
                == head + #""","tool_calls":[{"id":"x","function":{"index":0,"name":"f","arguments":{}}}]},"#
                + #""done":true,"done_reason":"stop",\#(Self.end)"#)
        #expect(
            Self.whole(Self.completion(#""content":null,"refusal":"no""#, "\"content_filter\""))
                == head + #""no"},"done":true,"done_reason":"content_filter",\#(Self.end)"#)
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"error":{"message":"x"}}"#, completion(#""content":"a""#, "null"),
        completion(#""content":[]"#, "\"stop\""),
        completion(#""tool_calls":[{"function":{"name":"f","arguments":"{"}}]"#, "\"tool_calls\""),
    ])
    func `what is no complete answer is none`(json: String) {
        #expect(Self.whole(json) == nil)
    }
}
