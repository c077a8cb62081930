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
        ("unfinished", "Ollama broke the answer off before its end."), ("cut", "Ollama's reply was cut off."),
        ("reset", "Ollama's reply was cut off."), ("garbling", "Ollama's reply makes no sense."),
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
        try await withPair { _, pair in
            let response = try await pair.post(#"{"stream":true,"model":"fault:\#(fault.0)"}"#, ["Accept: " + form])
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
            let next = try await pair.post(#"{"prompt":"next"}"#)
            #expect(next.text == answer(to: "next"))
        }
    }

    @Test(arguments: early, forms)
    func `an answer that fails before its first token has a status`(fault: (String, Int), form: String) async throws {
        try await withPair { _, pair in
            let response = try await pair.post(#"{"stream":true,"model":"fault:\#(fault.0)"}"#, ["Accept: " + form])
            #expect(response.status == fault.1)
            #expect(response.text.hasPrefix("{\"error\":\"") == (form != "text/plain"), "\(response.text)")
            let next = try await pair.post(#"{"prompt":"next"}"#)
            #expect(next.text == answer(to: "next"))
        }
    }

    @Test(arguments: forms)
    func `a reply that comes byte by byte, and one whose connection closes, are whole`(form: String) async throws {
        try await withPair { _, pair in
            for fault in ["drip", "stale"] {
                let response = try await pair.post(#"{"stream":true,"model":"fault:\#(fault)"}"#, ["Accept: " + form])
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
        try await withPair(settings: { $0.hosts = [try OllamaHost.parse("127.0.0.1:\(server.port)").0] }) { _, pair in
            let response = try await pair.post(#"{"stream":true}"#)
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
        try await withPair(settings: { $0.deadlines.idle = .milliseconds(50) }) { loop, pair in
            let response = try await pair.post(#"{"stream":true,"model":"fault:stalling"}"#, ["Accept: " + form])
            #expect(response.status == 200)
            #expect(response.isWhole == (form != "text/plain"))
            if form != "text/plain" { #expect(response.text.contains("\"status\":504")) }
            try await until("nothing is active upstream", on: loop) { pair.standIn.counts.active == 0 }
        }
    }

    @Test func `a client can lower each deadline for its request`() async throws {
        try await withPair { loop, pair in
            let first = try await pair.post(
                #"{"stream":true,"model":"fault:silence","timeout":{"first_token":"50ms"}}"#)
            #expect(first.status == 504)
            let whole = try await pair.post(#"{"model":"fault:silence","timeout":0.05}"#)
            #expect(whole.status == 504)
            let idle = try await pair.post(#"{"stream":true,"model":"fault:stalling","timeout":{"idle":"50ms"}}"#)
            #expect(!idle.isWhole && idle.text == " one two three")
            try await until("nothing is active upstream", on: loop) { pair.standIn.counts.active == 0 }
        }
    }

    @Test func `thinking keeps an answer alive`() async throws {
        var standIn = StandInSettings()
        standIn.tokenInterval = .milliseconds(60)
        try await withPair(standIn, settings: { $0.deadlines.idle = .milliseconds(150) }) { _, pair in
            let response = try await pair.post(#"{"prompt":"","stream":true,"think":true,"options":{"num_predict":1}}"#)
            #expect(response.text == "No" && response.isWhole)
        }
    }

    @Test func `events are kept alive by comments, and then an error is an event`() async throws {
        try await withPair(settings: { $0.heartbeat = .milliseconds(20) }) { loop, pair in
            let port = pair.port
            let start = try await offLoop {
                let socket = try RawSocket(port: port)
                defer { socket.close() }
                try socket.send(postRequest(#"{"stream":true,"model":"fault:silence"}"#, ["Accept: text/event-stream"]))
                return [
                    try socket.receive(until: "\r\n\r\n"), try socket.receive(until: "\n\n"),
                    try socket.receive(until: "\n\n"),
                ]
            }
            #expect(start[0].contains("200 OK"))
            #expect(
                start[1].hasSuffix(": waiting for the model\n\n") && start[2].hasSuffix(": waiting for the model\n\n"))
            let failed = try await pair.post(
                #"{"stream":true,"model":"fault:silence","timeout":{"first_token":"100ms"}}"#,
                ["Accept: text/event-stream"])
            #expect(failed.status == 200 && failed.isWhole)
            #expect(failed.text.hasPrefix(": waiting for the model\n\n"))
            #expect(
                failed.text.hasSuffix(
                    "event: error\ndata: {\"error\":\"Ollama did not answer in time.\",\"status\":504}\n\n"))
            let text = try await pair.post(
                #"{"stream":true,"model":"fault:silence","timeout":{"first_token":"100ms"}}"#)
            #expect(text.status == 504)
        }
    }
}
