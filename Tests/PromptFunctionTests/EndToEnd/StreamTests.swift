import EventLoop
import Foundation
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import Synchronization
import TestSupport
import Testing

/// Answers token by token, in each form.
@Suite(.timeLimit(.minutes(1))) struct `Streams` {
    private static let events = ["Accept: text/event-stream"]
    private static let lines = ["Accept: application/x-ndjson"]

    /// The text of a stream of events.
    static func text(ofEvents body: String) -> String {
        body.components(separatedBy: "\n\n").compactMap { event -> String? in
            guard event.hasPrefix(#"data: {"content":""#) else { return nil }
            return String(event.dropFirst(#"data: {"content":""#.count).dropLast(2)).replacing("\\u003c", with: "<")
        }.joined()
    }

    @Test func `text comes in chunks, one a token`() async throws {
        try await withBackends { _, fixture in
            let response = try await fixture.post(#"{"prompt":"eggs & <é>","stream":true}"#)
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/plain; charset=utf-8")
            #expect(response["Transfer-Encoding"] == "chunked")
            #expect(response["Cache-Control"] == "no-cache")
            #expect(response["X-Accel-Buffering"] == "no")
            #expect(response.text == answer(to: "eggs & <é>"))
        }
    }

    @Test func `events carry JSON, and end with the reason and the counts`() async throws {
        try await withBackends { _, fixture in
            let response = try await fixture.post(#"{"prompt":"<eggs","stream":true}"#, Self.events)
            #expect(response["Content-Type"] == "text/event-stream")
            #expect(Self.text(ofEvents: response.text) == answer(to: "<eggs"))
            let last = try #require(response.text.components(separatedBy: "event: ").last)
            #expect(last.hasPrefix("done\ndata: {\"model\":\"llama3.2:1b\""))
            #expect(last.contains(#""done":true,"done_reason":"stop""#) && last.contains("\"eval_count\":"))
            #expect(!last.contains("message") && last.hasSuffix("}\n\n"))
        }
    }

    @Test func `lines are Ollama's own, byte for byte`() async throws {
        let stream =
            #"{"model":"m", "message" : {"role":"assistant","content":"a\u003c"},"done":false}"# + "\n\n"
            + #"{"done":true,"message":{"content":""},"x":[1, 2],"eval_count":1}"# + "\n"
        let lines = stream.replacing("\n\n", with: "\n")
        let got = try await exchange(chunked(stream), Self.lines)
        #expect(got.text == lines)
        #expect(got["Content-Type"] == "application/x-ndjson")
        let events = try await exchange(chunked(stream), Self.events)
        #expect(
            events.text
                == "data: {\"content\":\"a\\u003c\"}\n\nevent: done\ndata: {\"done\":true,\"x\":[1, 2],\"eval_count\":1}\n\n"
        )
    }

    @Test(arguments: [
        (#"{"message":{"content":""},"done":true}"#, #"{"done":true}"#),
        (#"{"done":true , "message":{"content":""} }"#, #"{"done":true }"#),
        (#"{ "message" : {"content":""} , "done":true}"#, #"{  "done":true}"#),
        ("{\"done\":true,\r\"message\":{\"content\":\"\"},\r\"x\":1}", #"{"done":true, "x":1}"#),
    ])
    func `the last event is Ollama's last object without its message`(line: String, data: String) async throws {
        let got = try await exchange(chunked(line), Self.events)
        #expect(
            got.text.replacing("  \"", with: " \"") == "event: done\ndata: \(data.replacing("  \"", with: " \""))\n\n")
    }

    @Test func `a whole answer is text, or Ollama's own object`() async throws {
        let object = #"{"model":"m","message":{"role":"assistant","content":" a\n"},"done":true,"eval_count":7}"#
        let reply =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(object.utf8.count)\r\n\r\n\(object)"
        let json = try await exchange(reply, ["Accept: application/json"], body: "{}")
        #expect(json.text == object)
        #expect(json["Content-Type"] == "application/json; charset=utf-8")
        let text = try await exchange(reply, [], body: "{}")
        #expect(text.text == " a\n")
    }

    @Test func `tokens of one read leave in one write, and tokens of many in many`() async throws {
        let line = #"{"message":{"content":"x"},"done":false}"# + "\n"
        let stream = String(repeating: line, count: 5) + #"{"message":{"content":""},"done":true}"# + "\n"
        let response = try await exchange(chunked(stream), [])
        #expect(response.text == "xxxxx")
        #expect(response.chunks == [5])
    }

    @Test func `a client of HTTP 1.0 gets a body that ends with the connection`() async throws {
        try await withBackends { _, fixture in
            let port = fixture.port
            let body = #"{"prompt":"eggs","stream":true}"#
            let (text, ending) = try await offLoop {
                let socket = try RawSocket(port: port)
                try socket.send(
                    "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                return try socket.rest()
            }
            #expect(ending == .closed)
            #expect(text.contains("\r\nConnection: close\r\n") && !text.contains("Transfer-Encoding"))
            #expect(text.hasSuffix("\r\n\r\n" + answer(to: "eggs")))
        }
    }

    @Test func `thinking is not in the text, and is in the other forms`() async throws {
        try await withBackends { _, fixture in
            let body = #"{"prompt":"eggs","stream":true,"think":true}"#
            let text = try await fixture.post(body)
            #expect(text.text == answer(to: "eggs"))
            let events = try await fixture.post(body, Self.events)
            #expect(events.text.hasPrefix(#"data: {"thinking":"No"}"# + "\n\n" + #"data: {"thinking":" model"}"#))
            let lines = try await fixture.post(body, Self.lines)
            #expect(lines.text.contains(#""thinking":" model""#))
            let whole = try await fixture.post(#"{"prompt":"eggs","think":"high"}"#, ["Accept: application/json"])
            #expect(whole.text.contains(#""thinking":"No model thinks here.""#))
            let wholeText = try await fixture.post(#"{"prompt":"eggs","think":"high"}"#)
            #expect(wholeText.text == answer(to: "eggs"))
        }
    }

    @Test(arguments: [true, false])
    func `tool calls come as JSON, and text says how to get them`(streams: Bool) async throws {
        let body =
            #"{"stream":\#(streams),"tools":[{"type":"function","function":{"name":"weather","parameters":{}}}]}"#
        try await withBackends { _, fixture in
            let text = try await fixture.post(body)
            #expect(text.status == 406)
            #expect(text.text.contains("Accept: application/json"))
            #expect(fixture.standIn.counts.requests == 0)
            let json = try await fixture.post(body, ["Accept: application/json"])
            #expect(json.text.contains(#""tool_calls":[{"function":{"name":"weather","arguments":{}}}]"#))
            let events = try await fixture.post(body, Self.events)
            if streams {
                #expect(
                    events.text.hasPrefix(
                        #"data: {"tool_calls":[{"function":{"name":"weather","arguments":{}}}]}"# + "\n\n"))
            }
        }
    }

    @Test func `an answer cut to the length that was allowed says so`() async throws {
        try await withBackends { _, fixture in
            let body = #"{"prompt":"eggs","stream":true,"options":{"num_predict":3}}"#
            let events = try await fixture.post(body, Self.events)
            #expect(Self.text(ofEvents: events.text) == "No model is")
            #expect(events.text.contains(#""done_reason":"length""#))
            let text = try await fixture.post(body)
            #expect(text.text == "No model is")
        }
    }

    @Test func `an empty chat loads the model`() async throws {
        try await withBackends { _, fixture in
            let events = try await fixture.post(#"{"messages":[],"stream":true}"#, Self.events)
            #expect(events.text.hasPrefix("event: done\n") && events.text.contains(#""done_reason":"load""#))
            let text = try await fixture.post(#"{"messages":[],"stream":true}"#)
            #expect(text.status == 200 && text.text.isEmpty)
        }
    }

    @Test func `the connection serves the next request, and so does the one to Ollama`() async throws {
        try await withBackends { _, fixture in
            let port = fixture.port
            let texts = try await offLoop {
                let socket = try RawSocket(port: port)
                defer { socket.close() }
                return try (0..<20).map { index in
                    try socket.send(postRequest(#"{"prompt":"\#(index)","stream":true}"#))
                    return try socket.response().text
                }
            }
            #expect(texts == (0..<20).map { answer(to: "\($0)") })
            #expect(fixture.upstreamConnections == 1)
        }
    }
}

/// An HTTP response as Ollama streams: each line a chunk.
func chunked(_ stream: String, end: Bool = true) -> String {
    let chunks = stream.split(separator: "\n", omittingEmptySubsequences: false).map { $0 + "\n" }.filter { $0 != "\n" }
        .map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined()
    return "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)"
        + (end ? "0\r\n\r\n" : "")
}

/// Has an Ollama that replies with `reply`, byte for byte, and returns what a client of promptd gets.
func exchange(
    _ reply: String, _ fields: [String], body: String = #"{"stream":true}"#
) async throws -> RawResponse {
    let server = try RawServer()
    async let peers = server.play([
        { peer in
            try peer.receiveRequest()
            try peer.send(reply)
            try peer.receiveEnd()
        }
    ])
    let response = Box<RawResponse>()
    try await withBackends(settings: { $0.hosts = [try OllamaHost.parse("127.0.0.1:\(server.port)").0] }) {
        _, fixture in
        response.value = try await fixture.post(body, fields)
        await fixture.function.stop()
    }
    _ = try await peers
    return response.value!
}

/// What a closure brings out.
final class Box<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
