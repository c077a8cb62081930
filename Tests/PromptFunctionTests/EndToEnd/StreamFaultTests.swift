import EventLoop
import Foundation
import HTTPClient
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// What streams come to when Ollama, or the way to it, fails: nothing that is cut can be taken for a whole answer.
@Suite(.timeLimit(.minutes(1))) struct `Stream faults` {
    private static let forms = ["text/plain", "text/event-stream", "application/x-ndjson"]

    /// Faults that come after the first token, and the start of the sentence that tells.
    private static let late = [
        ("failing", "Ollama failed while it was answering: unexpected EOF."),
        ("unfinished", "Ollama ended the answer before it was complete."), ("cut", "Ollama's response was cut off."),
        ("reset", "Ollama's response was cut off."), ("garbling", "Ollama's response is malformed."),
    ]

    /// Faults that come before, and the status.
    private static let early = [
        ("missing", 404), ("busy", 503), ("broken", 502), ("close", 502), ("noise", 502), ("garbage", 502),
        ("flood", 502),
        ("endless", 502),
    ]

    @Test(arguments: late, forms)
    func `an answer that fails after its first token is visibly broken`(fault: (String, String), form: String)
        async throws
    {
        try await withBackends { _, fixture in
            let response = try await fixture.post(#"{"stream":true,"model":"fault:\#(fault.0)"}"#, ["Accept: " + form])
            #expect(response.status == 200)
            switch form {
            case "text/plain":
                #expect(response.text == " one two three")
                #expect(!response.isWhole)
            case "text/event-stream":
                #expect(response.isWhole)
                #expect(response.text.hasSuffix("event: error\ndata: {\"error\":\"\(fault.1)\",\"status\":502}\n\n"))
                #expect(Streams.text(ofEvents: response.text) == " one two three")
            default:
                #expect(response.isWhole)
                #expect(response.text.hasSuffix("}\n{\"error\":\"\(fault.1)\",\"status\":502}\n"))
            }
            let next = try await fixture.post(#"{"prompt":"next"}"#)
            #expect(next.text == answer(to: "next"))
        }
    }

    @Test(arguments: early, forms)
    func `an answer that fails before its first token has a status`(fault: (String, Int), form: String) async throws {
        try await withBackends { _, fixture in
            let response = try await fixture.post(#"{"stream":true,"model":"fault:\#(fault.0)"}"#, ["Accept: " + form])
            #expect(response.status == fault.1)
            #expect(response.text.hasPrefix("{\"error\":\"") == (form != "text/plain"), "\(response.text)")
            let next = try await fixture.post(#"{"prompt":"next"}"#)
            #expect(next.text == answer(to: "next"))
        }
    }

    @Test(arguments: forms)
    func `a reply that comes byte by byte, and one whose connection closes, are whole`(form: String) async throws {
        try await withBackends { _, fixture in
            for fault in ["drip", "stale"] {
                let response = try await fixture.post(
                    #"{"stream":true,"model":"fault:\#(fault)"}"#, ["Accept: " + form])
                #expect(response.status == 200 && response.isWhole)
                let text = form == "text/event-stream" ? Streams.text(ofEvents: response.text) : response.text
                if form == "application/x-ndjson" {
                    #expect(
                        text.hasPrefix("{") && text.contains(#""content":" three"}"#) && text.contains(#""done":true"#))
                } else {
                    #expect(text == " one two three")
                }
            }
        }
    }

    @Test func `an answer that says it is done is whole, though its HTTP message is cut`() async throws {
        let stream =
            #"{"message":{"content":"x"},"done":false}"# + "\n" + #"{"message":{"content":"y"},"done":true}"# + "\n"
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                try peer.receiveRequest()
                try peer.send(chunked(stream, end: false))
                peer.close()
            }
        ])
        try await withBackends(settings: { $0.hosts = [try OllamaHost.parse("127.0.0.1:\(server.port)").0] }) {
            _, fixture in
            let response = try await fixture.post(#"{"stream":true}"#)
            #expect(response.text == "xy" && response.isWhole)
        }
        _ = try await peers
    }

    @Test func `what follows the end of an answer is left out, and the connection too`() async throws {
        let stream =
            #"{"message":{"content":"x"},"done":true}"# + "\n" + #"{"message":{"content":"y"},"done":false}"# + "\n"
        let got = try await exchange(chunked(stream), ["Accept: text/event-stream"])
        #expect(got.text == "data: {\"content\":\"x\"}\n\nevent: done\ndata: {\"done\":true}\n\n")
    }

    @Test(arguments: forms)
    func `silence between tokens ends the answer when the next token is due`(form: String) async throws {
        let idle = Duration.milliseconds(50)
        try await withBackends(clock: .manual, settings: { $0.deadlines.idle = idle }) { loop, fixture in
            let socket = try await fixture.open(
                postRequest(#"{"stream":true,"model":"fault:stalling"}"#, ["Accept: " + form]))
            defer { socket.close() }
            let start = try await offLoop { try socket.receive(until: " three") }
            #expect(start.hasPrefix("HTTP/1.1 200 OK\r\n"))
            try await passDeadline(idle, on: loop)
            if form == "text/plain" {
                let rest = try await offLoop { try socket.rest() }
                #expect(rest.text == "\r\n" && rest.ending == .closed)  // without the last chunk
            } else {
                let rest = try await offLoop { try socket.receive(until: "\r\n0\r\n\r\n") }
                #expect(rest.contains("\"status\":504"))
            }
            try await until("nothing is active upstream", on: loop) { fixture.active == 0 }
        }
    }

    /// Ollama says nothing while a model writes a tool call.
    @Test func `with tools a silence may last as long as the first token`() async throws {
        let (idle, firstByte) = (Duration.milliseconds(50), Duration.milliseconds(400))
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            ($0.deadlines.idle, $0.deadlines.firstByte) = (idle, firstByte)
        }
        try await withBackends(clock: .manual, settings: change) { loop, fixture in
            let tools = #"[{"type":"function","function":{"name":"f","parameters":{}}}]"#
            let body = #"{"stream":true,"model":"fault:stalling","tools":\#(tools)}"#
            let socket = try await fixture.open(postRequest(body, ["Accept: text/event-stream"]))
            defer { socket.close() }
            _ = try await offLoop { try socket.receive(until: " three") }
            try await until("the time for the silence runs", on: loop) { loop.hasDeadline(at: loop.now + firstByte) }
            await loop.advance(by: firstByte - .nanoseconds(1))
            #expect(fixture.active == 1)
            await loop.advance(by: .nanoseconds(1))
            let rest = try await offLoop { try socket.receive(until: "\r\n0\r\n\r\n") }
            #expect(rest.contains("\"status\":504"))
        }
    }

    @Test func `a client can lower each deadline for its request`() async throws {
        try await withBackends(clock: .manual) { loop, fixture in
            let limit = Duration.milliseconds(50)
            let first = try await fixture.post(
                #"{"stream":true,"model":"fault:silence","timeout":{"first_token":"50ms"}}"#, passing: limit, on: loop)
            #expect(first.status == 504)
            let whole = try await fixture.post(
                #"{"model":"fault:silence","timeout":0.05}"#, passing: limit, on: loop)
            #expect(whole.status == 504)
            let socket = try await fixture.open(
                postRequest(#"{"stream":true,"model":"fault:stalling","timeout":{"idle":"50ms"}}"#))
            defer { socket.close() }
            _ = try await offLoop { try socket.receive(until: " three\r\n") }
            try await passDeadline(limit, on: loop)
            let rest = try await offLoop { try socket.rest() }
            #expect(rest.text == "" && rest.ending == .closed)
            try await until("nothing is active upstream", on: loop) { fixture.active == 0 }
        }
    }

    @Test func `thinking keeps an answer alive`() async throws {
        var standIn = StandInSettings()
        standIn.tokenInterval = .milliseconds(100)
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.deadlines.idle = .milliseconds(150)
        }
        try await withBackends([standIn], clock: .manual, settings: change) { loop, fixture in
            let socket = try await fixture.begin(
                [#"{"prompt":"","stream":true,"think":true,"options":{"num_predict":1}}"#],
                ["Accept: application/x-ndjson"], on: loop)[0]
            defer { socket.close() }
            for word in ["No", " model", " thinks", " here."] {
                _ = try await offLoop { try socket.receive(until: "\"thinking\":\"\(word)\"") }
                try await passDeadline(.milliseconds(100), on: loop)
            }
            let rest = try await offLoop { try socket.receive(until: "\r\n0\r\n\r\n") }
            #expect(rest.contains("\"content\":\"No\"") && rest.contains("\"done\":true"))
        }
    }

    @Test func `events are kept alive by comments, and then an error is an event`() async throws {
        let heartbeat = Duration.milliseconds(20)
        try await withBackends(clock: .manual, settings: { $0.heartbeat = heartbeat }) { loop, fixture in
            let events = ["Accept: text/event-stream"]
            let silence = #"{"stream":true,"model":"fault:silence","timeout":{"first_token":"50ms"}}"#
            let socket = try await fixture.open(postRequest(silence, events))
            defer { socket.close() }
            try await passDeadline(heartbeat, on: loop)
            let head = try await offLoop { try socket.receive(until: "\r\n\r\n") }
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            let first = try await offLoop { try socket.receive(until: "\n\n") }
            #expect(first.hasSuffix(": waiting for the model\n\n"))
            try await passDeadline(heartbeat, on: loop)
            let second = try await offLoop { try socket.receive(until: "\n\n") }
            #expect(second.hasSuffix(": waiting for the model\n\n"))
            try await passDeadline(.milliseconds(10), on: loop)
            let rest = try await offLoop { try socket.receive(until: "\r\n0\r\n\r\n") }
            #expect(
                rest.contains("event: error\ndata: {\"error\":\"Ollama did not answer in time.\",\"status\":504}\n\n"))
            let text = try await fixture.post(silence, passing: .milliseconds(50), on: loop)
            #expect(text.status == 504)
        }
    }
}
