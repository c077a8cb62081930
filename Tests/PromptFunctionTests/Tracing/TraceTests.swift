import APIs
import EventLoop
import Foundation
import HTTPClient
import HTTPServer
import Logging
import Ollama
@testable import PromptFunction
import StandIn
import TestSupport
import Testing

/// Spans of prompts, sent to a collector that the test plays.
@Suite(.timeLimit(.minutes(1))) struct `Traced prompts` {
    /// What OTLP says, as far as it is needed here.
    struct Export: Decodable {
        struct Value: Decodable {
            var stringValue: String?
            var intValue: String?
        }
        struct Attribute: Decodable {
            var key: String
            var value: Value
        }
        struct Status: Decodable {
            var code: Int
            var message: String
        }
        struct Span: Decodable {
            var traceId, spanId, name: String
            var parentSpanId, traceState: String?
            var kind: Int
            var startTimeUnixNano, endTimeUnixNano: String
            var attributes: [Attribute]
            var status: Status?

            var start: Int64 { Int64(startTimeUnixNano) ?? -1 }
            var end: Int64 { Int64(endTimeUnixNano) ?? -1 }

            subscript(key: String) -> String? {
                attributes.first { $0.key == key }.flatMap { $0.value.stringValue ?? $0.value.intValue }
            }
        }
        struct Scope: Decodable { var spans: [Span] }
        struct Resource: Decodable { var attributes: [Attribute] }
        struct Entry: Decodable {
            var resource: Resource
            var scopeSpans: [Scope]
        }
        var resourceSpans: [Entry]
    }

    /// Has `body` use a function whose spans come to `collector`, one script for each connection.
    private static func traced(
        _ standIns: [StandInSettings] = [StandInSettings()], collector: [RawServer.Script], ratio: Double = 1,
        clock: LoopClock = .monotonic,
        settings: @escaping @Sendable (inout PromptFunction.Settings) throws -> Void = { _ in },
        _ body: @escaping @Sendable (isolated EventLoop, MultiBackendFixture) async throws -> Void
    ) async throws {
        let server = try RawServer()
        async let peers = server.play(collector)
        try await withBackends(
            standIns, clock: clock,
            settings: {
                var traces = TraceSettings(
                    host: "127.0.0.1", port: server.port, tls: nil, authority: "collector", path: "/v1/traces",
                    version: "1")
                traces.fields = [("X-Key", "k")]
                traces.ratio = ratio
                $0.traces = traces
                try settings(&$0)
            }, body)
        _ = try await peers
    }

    /// Collects the spans of one batch.
    private static func collecting(_ spans: Box<[Export.Span]>, status: String = "200 OK") -> RawServer.Script {
        { peer in
            let request = try peer.receiveRequest()
            let head = request.head
            #expect(head.hasPrefix("POST /v1/traces HTTP/1.1\r\nHost: collector\r\nContent-Type: application/json\r\n"))
            #expect(head.contains("\r\nX-Key: k\r\n"))
            let export = try JSONDecoder().decode(Export.self, from: Data(request.body))
            #expect(export.resourceSpans[0].resource.attributes[0].value.stringValue == "promptd")
            try peer.send("HTTP/1.1 \(status)\r\nContent-Length: 2\r\n\r\n{}")
            spans.value = (spans.value ?? []) + export.resourceSpans[0].scopeSpans[0].spans
            peer.close()
        }
    }

    @Test func `have a span, and spans for their steps, in the client's trace`() async throws {
        let spans = Box<[Export.Span]>()
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        try await Self.traced(collector: [Self.collecting(spans)]) { loop, fixture in
            let fields = ["traceparent: 00-\(trace)-00f067aa0ba902b7-01", "tracestate: a=1", "X-Request-Id: mine"]
            let streamed = try await fixture.post(#"{"prompt":"a b","stream":true}"#, fields)
            #expect(streamed.status == 200)
            let failed = try await fixture.post(#"{"model":"fault:missing","prompt":"a"}"#)
            #expect(failed.status != 0)
            try await until("they are sent", on: loop) { spans.value != nil }
        }
        let all = try #require(spans.value)
        let first = all.filter { $0.traceId == trace }
        #expect(
            first.map(\.name) == ["chat llama3.2:1b", "queue", "chat llama3.2:1b", "connect", "first token", "answer"])
        let (prompt, queue, asking) = (first[0], first[1], first[2])
        #expect((prompt.kind, queue.kind, asking.kind) == (2, 1, 3))
        #expect(prompt.parentSpanId == "00f067aa0ba902b7" && prompt.traceState == "a=1")
        #expect(queue.parentSpanId == prompt.spanId && asking.parentSpanId == prompt.spanId)
        #expect(first[3...].allSatisfy { $0.parentSpanId == asking.spanId })
        #expect(Set(first.map(\.spanId)).count == 6 && all.allSatisfy { $0.spanId.count == 16 })
        #expect(prompt["gen_ai.request.model"] == "llama3.2:1b" && prompt["promptd.request.id"] == "mine")
        #expect(prompt["client.address"] == "127.0.0.1")
        #expect(prompt["gen_ai.usage.output_tokens"] != nil && asking["gen_ai.provider.name"] == "ollama")
        #expect(prompt.status == nil && !prompt.attributes.contains { $0.value.stringValue?.contains("a b") == true })
        // One step follows the other, within the whole.
        #expect(queue.start == prompt.start && queue.end == asking.start && asking.end == prompt.end)
        #expect(first[3].start == asking.start && first[3].end == first[4].start && first[4].end == first[5].start)
        #expect(first[5].end == asking.end && prompt.end >= prompt.start && prompt.start > 1_700_000_000_000_000_000)
        let other = try #require(all.first { $0.traceId != trace })
        #expect(other.parentSpanId == nil && other.traceId.count == 32)
    }

    @Test func `of which others go on are named to the backend, in place of the client's`() async throws {
        let heads = Box<String>()
        let server = try RawServer()
        async let peers = server.play(
            (0..<2).map { _ in
                { peer in
                    let request = try peer.receiveRequest()
                    heads.value = (heads.value ?? "") + request.head
                    let json = #"{"model":"m","message":{"role":"assistant","content":"x"},"done":true}"#
                    try peer.send(
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(json.utf8.count)\r\n\r\n\(json)")
                    peer.close()
                }
            })
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        try await Self.traced(
            [], collector: [], ratio: 0,
            settings: {
                $0.hosts = [try OllamaHost(parsing: "127.0.0.1:\(server.port)")]
                $0.apis = [.ollama]
            }
        ) { loop, fixture in
            let parent = ["traceparent: 00-\(trace)-00f067aa0ba902b7-00", "tracestate: a=1"]
            let own = try await fixture.post("{}", parent)
            #expect(own.status == 200)
            let chat = #"{"model":"m","messages":[],"stream":false}"#
            let passed = try await fixture.post(chat, parent, to: "/api/chat")
            #expect(passed.status == 200)
        }
        _ = try await peers
        let text = try #require(heads.value)
        #expect(text.components(separatedBy: "traceparent: 00-\(trace)-").count == 3)
        #expect(!text.contains("00f067aa0ba902b7") && text.components(separatedBy: "tracestate: a=1\r\n").count == 3)
    }

    @Test func `are named in the log`() async throws {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        try await Self.traced(collector: [], ratio: 0, settings: { $0.logsPrompts = true }) { loop, fixture in
            _ = try await fixture.post("{}", ["traceparent: 00-\(trace)-00f067aa0ba902b7-00"])
            _ = try await fixture.post(#"{"prompt":5}"#, ["traceparent: 00-\(trace)-00f067aa0ba902b7-00"])
            for line in ["prompt answered", "prompt failed", "prompt ended"] {
                #expect(fixture.log.lines(with: line).first?.contains("trace-id=\(trace)") == true, "\(line)")
            }
        }
    }

    @Test func `are sent again after the collector has been slow`() async throws {
        let (prompts, flag) = (Box<[Int]>(), Flag())
        let server = try RawServer()
        async let peers = server.play([Self.counting(prompts, until: flag)])
        try await onLoop(clock: .manual) { loop in
            let exporter = Self.exporter(to: server.port, on: loop, Logger(label: "test"))
            let trace = Self.trace
            // While one batch is being sent, the time of those that wait passes, and then another is full.
            for _ in 0..<256 { exporter.add(trace) }
            await loop.turn()
            for _ in 0..<255 { exporter.add(trace) }
            await loop.advance(by: .seconds(1))
            exporter.add(trace)
            flag.raise()
            try await until("both are sent", on: loop) { exporter.task == nil && prompts.value == [256, 256] }
            exporter.add(trace)
            await loop.advance(by: .seconds(1))
            try await until("the last one is sent", on: loop) {
                exporter.task == nil && prompts.value == [256, 256, 1]
            }
            await exporter.stop()
        }
        _ = try await peers
    }

    @Test func `are dropped, and nobody waits, if the collector does not take them`() async throws {
        let refusing: RawServer.Script = { peer in
            _ = try peer.receiveRequest()
            try peer.send("HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            peer.close()
        }
        try await Self.traced(collector: [refusing]) { loop, fixture in
            let first = try await fixture.post("{}")
            #expect(first.status == 200)
            try await until("they are dropped", on: loop) { fixture.log.lines(with: "traces were dropped").count == 1 }
            #expect(fixture.log.lines(with: "traces were dropped")[0].contains("it answered 503"))
        }
        let silent: RawServer.Script = { peer in
            _ = try? peer.receiveRequest()
            _ = try? peer.receiveRequest()  // until the function stops, which waits a second
            peer.close()
        }
        try await Self.traced(collector: [silent]) { loop, fixture in
            for _ in 0..<300 {
                let next = try await fixture.post("{}")
                #expect(next.status == 200)
            }
        }
    }

    @Test func `that are lost are counted in one line, and the rest of them a minute later`() async throws {
        let (log, isReceived) = (LogRecorder(), Box<Bool>())
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                _ = try peer.receiveRequest()
                isReceived.value = true
                try peer.send("HTTP/1.1 ")  // brings the loop an event
                _ = try? peer.receiveRequest()  // until the exporter stops
            }
        ])
        try await onLoop(clock: .manual) { loop in
            let exporter = Self.exporter(to: server.port, on: loop, Logger(label: "test") { _ in log })
            let trace = Self.trace
            func counts() -> [String] {
                log.lines(with: "traces were dropped").compactMap {
                    $0.split(separator: "prompts=").last.map(String.init)
                }
            }
            for _ in 0..<256 { exporter.add(trace) }
            try await until("one batch is sent", on: loop) { isReceived.value == true }
            for _ in 0..<(4096 + 10) { exporter.add(trace) }
            #expect(exporter.dropped == 10 && counts().isEmpty)
            await loop.advance(by: .seconds(1))
            #expect(counts() == ["10"])
            for _ in 0..<5 { exporter.add(trace) }
            await loop.advance(by: .seconds(2))
            #expect(counts() == ["10"] && exporter.dropped == 15)
            let stopping = loop.startTask { await exporter.stop() }
            await loop.advance(by: .seconds(1))  // for so long the stop waits
            await stopping.value
            #expect(counts() == ["10", "\(5 + 256 + 4096)"] && exporter.dropped == 15 + 256 + 4096)
        }
        _ = try await peers
    }

    @Test func `are all sent at the stop, if the collector is quick enough`() async throws {
        let (prompts, flag) = (Box<[Int]>(), Flag())
        let server = try RawServer()
        async let peers = server.play([Self.counting(prompts, until: flag)])
        try await onLoop(clock: .manual) { loop in
            let exporter = Self.exporter(to: server.port, on: loop, Logger(label: "test"))
            for _ in 0..<256 { exporter.add(Self.trace) }
            await loop.turn()
            for _ in 0..<(256 + 20) { exporter.add(Self.trace) }
            let stopping = loop.startTask { await exporter.stop() }
            flag.raise()
            await stopping.value
            #expect(prompts.value == [256, 256, 20] && exporter.dropped == 0)
        }
        _ = try await peers
    }

    /// Counts the prompts of each of three batches, and answers the first one when the flag is raised.
    private static func counting(_ prompts: Box<[Int]>, until flag: Flag) -> RawServer.Script {
        { peer in
            for number in 0..<3 {
                let request = try peer.receiveRequest()
                let export = try JSONDecoder().decode(Export.self, from: Data(request.body))
                let spans = export.resourceSpans[0].scopeSpans[0].spans
                prompts.value = (prompts.value ?? []) + [spans.count { $0.kind == 2 }]
                if number == 0 { try flag.wait() }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            }
            _ = try peer.receiveEnd()
        }
    }

    private static func exporter(to port: UInt16, on loop: EventLoop, _ log: Logger) -> TraceExporter {
        TraceExporter(
            TraceSettings(
                host: "127.0.0.1", port: port, tls: nil, authority: "collector", path: "/v1/traces", version: "1"),
            work: WorkQueue(on: loop), on: loop, log: log)
    }

    private static var trace: PromptTrace {
        PromptTrace(
            context: TraceContext(sampling: 1) { 1 }, name: "chat", attributes: [], askingAttributes: [], error: nil,
            firstStep: 1, began: 0, ended: 1, asked: nil, connected: nil, firstToken: nil)
    }
}
