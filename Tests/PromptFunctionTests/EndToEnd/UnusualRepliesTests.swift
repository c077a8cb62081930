import HTTPClient
import PromptFunction
import TestSupport
import Testing

/// What Ollama, or what stands before it, says in an unusual way.
@Suite(.timeLimit(.minutes(1))) struct `Unusual replies` {
    private static func refusal(_ status: Int, _ body: String, _ fields: String = "") -> String {
        "HTTP/1.1 \(status) No\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(arguments: [
        (
            refusal(400, #"{"error":{"message":"context too long"}}"#), 400,
            "Ollama refuses the request: context too long.\n"
        ),
        (refusal(413, #"{"error":"too long"}"#), 413, "The request is too long for Ollama: too long.\n"),
        (
            refusal(500, #"{"error":"{\"error\":{\"code\":400,\"message\":\"image input is not supported\"}}"}"#), 400,
            "Ollama refuses the request: image input is not supported.\n"
        ),
        (
            refusal(500, #"{"error":"{\"error\":{\"code\":500,\"message\":\"out of memory\"}}"}"#), 502,
            "Ollama failed to answer: out of memory.\n"
        ),
        (refusal(401, #"{"error":"unauthorized"}"#), 502, "Ollama failed to answer: unauthorized.\n"),
    ])
    func `refusals keep their words`(reply: String, status: Int, text: String) async throws {
        let response = try await exchange(reply, [], body: "{}")
        #expect(response.status == status)
        #expect(response.text == text)
    }

    @Test(arguments: ["{}", #"{"stream":true}"#]) func `a compressed answer is named`(body: String) async throws {
        let whole = #"{"message":{"content":"a"},"done":true}"#
        let plain = Self.refusal(200, whole, "Content-Encoding: identity\r\n")
        #expect(try await exchange(plain, [], body: body).text == "a")
        let compressed = Self.refusal(200, "\u{1F}\u{8B}", "Content-Encoding: gzip\r\n")
        let response = try await exchange(compressed, [], body: body)
        #expect(response.status == 502)
        #expect(response.text == "Ollama's response is compressed, although that was not asked for.\n")
    }

    @Test(arguments: [
        ("Retry-After: 7\r\n", "7"), ("Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n", "86400"), ("", "5"),
    ])
    func `429 stays 429, with its words and its time`(field: String, seconds: String) async throws {
        let response = try await exchange(
            Self.refusal(429, #"{"error":"you have reached your weekly usage limit"}"#, field), [], body: "{}")
        #expect(response.status == 429)
        #expect(response.text == "Ollama takes no more requests now: you have reached your weekly usage limit.\n")
        #expect(response["Retry-After"] == seconds)
    }

    @Test(arguments: [
        #"{"message":{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":false}"#,
        #"{"message":{"role":"assistant","content":null,"thinking":null,"tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":false,"error":null}"#,
    ])
    func `tool calls need no content`(line: String) async throws {
        let stream = [line, #"{"message":{"role":"assistant","content":""},"done_reason":"stop"}"#]
        let reply = streamed(stream)
        let events = try await exchange(reply, ["Accept: text/event-stream"])
        #expect(events.text.contains(#"data: {"tool_calls":[{"function":{"name":"f","arguments":{}}}]}"#))
        #expect(events.text.contains("event: done"))
        let objects = try await exchange(reply, ["Accept: application/x-ndjson"])
        #expect(objects.text == stream.map { $0 + "\n" }.joined())
    }

    @Test func `the halves of a character in two tokens are joined`() async throws {
        let stream = [
            #"{"message":{"content":"\ud83d"},"done":false}"#, #"{"message":{"content":"\ude00"},"done":true}"#,
        ]
        #expect(try await exchange(streamed(stream), []).text == "😀")
        let events = try await exchange(streamed(stream), ["Accept: text/event-stream"])
        #expect(events.text.contains(#"data: {"content":"😀"}"#) && !events.text.contains("\\u"))
        let objects = try await exchange(streamed(stream), ["Accept: application/x-ndjson"])
        #expect(objects.text.contains(#"{"message":{"content":"😀"},"done":true}"#) && !objects.text.contains("\\u"))
    }

    static let halves: [(stream: [String], text: String, events: String, objects: String)] = [
        (
            [
                #"{"message":{"content":"","thinking":"\ud83d"},"done":false}"#,
                #"{"message":{"content":"","thinking":"\ude00"},"done":false}"#,
                #"{"message":{"content":"a"},"done":true}"#,
            ], "a", #"data: {"thinking":"😀"}"#, #"{"message":{"content":"","thinking":"😀"},"done":false}"#
        ),
        (
            [
                #"{"message":{"content":"","tool_calls":[{"function":{"name":"\ud83d","arguments":{"a":"\ud83d\ude00"}}}]},"done":false}"#,
                #"{"message":{"content":""},"done":true}"#,
            ], "", #"data: {"tool_calls":[{"function":{"name":"\ufffd","arguments":{"a":"\ud83d\ude00"}}}]}"#,
            #"[{"function":{"name":"\ufffd","arguments":{"a":"\ud83d\ude00"}}}]},"done":false}"#
        ),
        (
            [#"{"message":{"content":"a\ud83d"},"done":false}"#, #"{"message":{"content":null},"done":true}"#],
            "a\u{FFFD}", "data: {\"content\":\"\u{FFFD}\"}", #""content":"\ufffd"},"done":false}"#
        ),
        (
            [#"{"message":{"content":"a\ud83d"},"done":false}"#, #"{"model":"m","done":true,"done_reason":"stop"}"#],
            "a\u{FFFD}", "data: {\"content\":\"\u{FFFD}\"}",
            #""content":"\ufffd"},"done":false}"# + "\n" + #"{"model":"m","done":true,"done_reason":"stop"}"#
        ),
    ]

    @Test(arguments: halves)
    func `half a character is never passed on`(stream: [String], text: String, events: String, objects: String)
        async throws
    {
        if !stream[0].contains("tool_calls") {
            let asText = try await exchange(streamed(stream), [])
            #expect(asText.text == text && asText.isWhole)
        }
        let asEvents = try await exchange(streamed(stream), ["Accept: text/event-stream"])
        #expect(asEvents.text.contains(events), "\(asEvents.text)")
        #expect(asEvents.text.contains("event: done"))
        let asObjects = try await exchange(streamed(stream), ["Accept: application/x-ndjson"])
        #expect(asObjects.text.contains(objects), "\(asObjects.text)")
    }

    @Test(arguments: [false, true]) func `an answer that is all thinking is not an empty text`(isStreamed: Bool)
        async throws
    {
        let last = #"{"message":{"content":""},"done":true,"done_reason":"length"}"#
        let whole = #"{"message":{"content":"","thinking":"hm"},"done":true,"done_reason":"length"}"#
        if isStreamed {
            let thinking = #"{"message":{"content":"","thinking":"hm"},"done":false}"#
            let response = try await exchange(streamed([thinking, last]), [])
            #expect(response.text.isEmpty && !response.isWhole)
        } else {
            let response = try await exchange(Self.refusal(200, whole), [], body: "{}")
            #expect(response.status == 502)
            #expect(response.text.hasPrefix("The model used all its tokens for thinking"))
            let object = try await exchange(Self.refusal(200, whole), ["Accept: application/json"], body: "{}")
            #expect(object.status == 200 && object.text == whole)
        }
    }

    /// A streamed reply of these lines.
    private func streamed(_ lines: [String]) -> String {
        let chunks = lines.map { "\(String($0.utf8.count + 1, radix: 16))\r\n\($0)\n\r\n" }.joined()
        return
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n"
    }
}
