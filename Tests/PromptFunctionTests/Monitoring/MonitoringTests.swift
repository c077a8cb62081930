import APIs
import EventLoop
import FoundationEssentials
import HTTPServer
import PromptFunction
import StandIn
import Telemetry
import TestSupport
import Testing

/// What operators see of prompts and backends.
@Suite(.timeLimit(.minutes(1))) struct `Monitored prompts` {
    /// What metrics say, by their names with labels.
    private static func values(_ registry: MetricsRegistry) -> [String: Double] {
        var values: [String: Double] = [:]
        for line in String(decoding: Exposition.prometheus.text(of: registry), as: UTF8.self).split(separator: "\n")
        where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            values[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
        return values
    }

    private static func monitored(
        _ standIns: [StandInSettings] = [StandInSettings()], hosts: [String] = [],
        settings: @escaping @Sendable (inout PromptFunction.Settings) throws -> Void = { _ in },
        _ body:
            @escaping @Sendable (isolated EventLoop, MultiBackendFixture, () -> [String: Double]) async throws -> Void
    ) async throws {
        let registry = MetricsRegistry(Instruments.all)
        try await withBackends(
            standIns, hosts: hosts,
            settings: {
                $0.metrics = registry
                $0.checkInterval = .zero
                $0.apis = Set(API.allCases)
                try settings(&$0)
            }
        ) { loop, fixture in
            try await body(loop, fixture) {
                fixture.function.collectMetrics()
                return values(registry)
            }
        }
    }

    private struct State: Decodable {
        struct Prompt: Decodable {
            var id: String
            var phase: String
            var age: Double
            var model: String?
            var client: String
            var backend: String?
            var outputTokens: Int
        }
        struct Totals: Decodable {
            var prompts, answered, failed, cancelled, retries, fallbacks, outputTokens: Int
        }
        struct Backend: Decodable {
            var url, api, breaker: String
            var inFlight, limit: Int
            var models, running: [String]
            var check: String?
        }
        struct Failure: Decodable {
            var id: String
            var status: Int
            var model: String?
            var error: String
        }
        struct History: Decodable {
            var end: Double
            var series: [String: [Double?]]
        }
        var ready: String?
        var totals: Totals
        var backends: [Backend]
        var prompts: [Prompt]
        var promptsLeftOut: Int
        var failures: [Failure]
        var history: History?
    }

    private static func state(_ fixture: MultiBackendFixture, withHistory: Bool = false) throws -> State {
        let members = fixture.function.state(withHistory: withHistory, at: 1_000_000)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(State.self, from: Data(Array("{".utf8) + members + Array("}".utf8)))
    }

    private static func labels(
        _ operation: String = "chat", model: String = "llama3.2:1b", error: String? = nil, token: String? = nil
    ) -> String {
        #"{gen_ai_operation_name="\#(operation)",gen_ai_provider_name="ollama",gen_ai_request_model="\#(model)""#
            + (error == nil ? #",gen_ai_response_model="\#(model)""# : "")
            + (error.map { #",error_type="\#($0)""# } ?? "") + (token.map { #",gen_ai_token_type="\#($0)""# } ?? "")
            + "}"
    }

    // MARK: Metrics

    @Test func `are counted under OpenTelemetry's names`() async throws {
        try await Self.monitored { loop, fixture, values in
            for body in [
                #"{"prompt":"a b"}"#, #"{"prompt":"a b","stream":true}"#, #"{"prompt":"x","model":"LLAMA3.2:1b"}"#,
            ] {
                let answered = try await fixture.post(body)
                #expect(answered.status == 200)
            }
            let seen = values()
            #expect(seen["gen_ai_server_request_duration_seconds_count" + Self.labels()] == 3)
            #expect(seen["gen_ai_server_time_to_first_token_seconds_count" + Self.labels()] == 1)
            #expect(seen["gen_ai_server_time_per_output_token_seconds_count" + Self.labels()] == 1)
            #expect(seen["gen_ai_client_token_usage_count" + Self.labels(token: "input")] == 3)
            #expect((seen["gen_ai_client_token_usage_sum" + Self.labels(token: "output")] ?? 0) > 30)
            #expect(seen[#"faas_invocations_total{faas_trigger="http"}"#] == 3)
            #expect(seen[#"faas_errors_total{faas_trigger="http"}"#] == 0)
            #expect(seen[#"promptd_queue_wait_seconds_count{class="interactive"}"#] == 3)
            #expect((seen["promptd_output_parts_total"] ?? 0) > 10)
            #expect(
                seen[#"promptd_backend_requests_total{backend="http://\#(fixture.addresses[0])",error_type=""}"#] == 3)
            #expect(seen[#"promptd_backend_breaker{backend="http://\#(fixture.addresses[0])",state="closed"}"#] == 1)
        }
    }

    static let apis: [(path: String, body: String, operation: String)] = [
        ("/api/chat", #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#, "chat"),
        ("/api/generate", #"{"model":"m","prompt":"hi","stream":false}"#, "text_completion"),
        ("/api/embed", #"{"model":"m","input":"hi"}"#, "embeddings"),
        ("/v1/chat/completions", #"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#, "chat"),
        ("/v1/messages", #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#, "chat"),
    ]

    @Test(arguments: apis)
    func `are counted with requests of other APIs`(path: String, body: String, operation: String) async throws {
        try await Self.monitored(settings: { $0.model = "m" }) { loop, fixture, values in
            #expect(try await fixture.post(body, to: path).status == 200)
            #expect(
                values()["gen_ai_server_request_duration_seconds_count" + Self.labels(operation, model: "m")] == 1)
            let state = try Self.state(fixture)
            #expect(state.totals.answered == 1 && state.prompts.isEmpty)
        }
    }

    @Test func `fail with the kind of error, and unknown models share a name`() async throws {
        try await Self.monitored { loop, fixture, values in
            for number in 0..<30 {
                _ = try await fixture.post(#"{"model":"fault:missing-\#(number)"}"#)
                _ = try await fixture.post(#"{"model":"fault:missing"}"#)
            }
            _ = try await fixture.post("[]", ["X-Request-Id: mine"])
            let seen = values()
            let models = Set(seen.keys.compactMap { $0.firstMatch(of: /gen_ai_request_model="([^"]*)"/)?.1 })
            #expect(models == ["_other"])
            #expect(
                seen["gen_ai_server_request_duration_seconds_count" + Self.labels(model: "_other", error: "404")] == 30)
            // A name that is very long is refused.
            let long = String(repeating: "\u{301}", count: 1000)
            let refused = try await fixture.post(#"{"model":"m\#(long)"}"#)
            #expect(refused.status == 400 && refused.text.contains("1024 bytes"))
            // A body that is no prompt has no model.
            let state = try Self.state(fixture)
            #expect(state.totals.failed == 32 && state.failures.count == 20)
            #expect(state.failures.first?.status == 400 && state.failures.first?.model == nil)
            #expect(state.failures.contains { $0.id == "mine" } && state.failures.last?.id.count == 16)
        }
    }

    @Test func `have a name of their own if a backend lists their model, and it is not long`() async throws {
        let long = String(repeating: "x", count: 200)
        var standIn = StandInSettings()
        standIn.models = ["listed", long]
        let registry = MetricsRegistry(Instruments.all)
        try await withBackends([standIn], settings: { $0.metrics = registry }) { loop, fixture in
            try await until("the list has come", on: loop) { fixture.listings >= 1 }
            for model in ["listed", long] {
                let answered = try await fixture.post(#"{"model":"\#(model)"}"#)
                #expect(answered.status == 200)
            }
            let models = Set(
                Self.values(registry).keys.compactMap { $0.firstMatch(of: /gen_ai_request_model="([^"]*)"/)?.1 })
            #expect(models == ["listed", "_other"])
        }
    }

    @Test func `that are refused by their head are counted apart`() async throws {
        try await Self.monitored(settings: { $0.protection.keys = try APIKeys(list: "k") }) { loop, fixture, values in
            #expect(try await fixture.post("{}").status == 401)
            #expect(values()[#"promptd_refusals_total{error_type="unauthorized"}"#] == 1)
            let state = try Self.state(fixture)
            #expect(state.totals.prompts == 0)
        }
    }

    @Test func `that the queue does not let in have not waited`() async throws {
        try await Self.monitored(settings: { ($0.maxInFlight, $0.maxQueue) = (1, 1) }) { loop, fixture, values in
            let count = #"promptd_queue_wait_seconds_count{class="interactive"}"#
            fixture.standIn.hold()
            let sockets = try await fixture.begin(["{}", "{}"], on: loop)
            #expect(try await fixture.post("{}").status == 503)
            #expect(values()[count] == 0)
            fixture.standIn.release()
            for socket in sockets { _ = try await response(on: socket) }
            #expect(values()[count] == 2)
        }
    }

    @Test func `that are tried elsewhere are counted`() async throws {
        let broken = try ReservedPort()
        try await Self.monitored(hosts: ["127.0.0.1:\(broken.number)"]) { loop, fixture, values in
            // The broken host is asked first or not at all.
            for _ in 0..<10 {
                #expect(try await fixture.post(#"{"prompt":"\#(Int.random(in: 0..<1000))"}"#).status == 200)
            }
            let seen = values()
            let retries = try Self.state(fixture).totals.retries
            #expect(
                seen["promptd_retries_total"] == Double(retries) && seen["promptd_failovers_total"] == Double(retries))
            let refused =
                #"promptd_backend_requests_total{backend="http://127.0.0.1:\#(broken.number)",error_type="unreachable"}"#
            #expect(seen[refused] ?? 0 == Double(retries))
        }
    }

    // MARK: Phases

    @Test func `are seen in each phase, and counted there when their clients leave`() async throws {
        try await Self.monitored(settings: { $0.maxInFlight = 1 }) { loop, fixture, values in
            fixture.standIn.hold()
            let asking = try await fixture.begin([#"{"prompt":"a"}"#], ["X-Request-Id: my-1"], on: loop)
            let queued = try await fixture.begin([#"{"prompt":"b","model":"other"}"#], on: loop)
            var state = try Self.state(fixture)
            #expect(state.prompts.map(\.phase) == ["asking", "queued"])
            #expect(state.prompts[0].id == "my-1" && state.prompts[0].client == "127.0.0.1")
            #expect(state.prompts[0].backend == "http://\(fixture.addresses[0])" && state.prompts[1].backend == nil)
            #expect(state.prompts[1].model == "other" && state.prompts[1].id.count == 16)
            #expect(state.backends[0].inFlight == 1 && state.backends[0].limit == 1)
            #expect(values()[#"promptd_queue_prompts{class="interactive"}"#] == 1)
            queued[0].close()
            try await until("it has left", on: loop) { fixture.function.waiting == 0 }
            asking[0].close()
            try await until("both have left", on: loop) { fixture.function.inFlight == 0 }
            let seen = values()
            #expect(seen[#"promptd_cancellations_total{phase="queued"}"#] == 1)
            #expect(seen[#"promptd_cancellations_total{phase="asking"}"#] == 1)
            #expect(seen[#"promptd_cancellations_total{phase="streaming"}"#] == 0)
            #expect(seen[#"faas_errors_total{faas_trigger="http"}"#] == 0)
            state = try Self.state(fixture)
            #expect(state.prompts.isEmpty && state.totals.cancelled == 2 && state.failures.isEmpty)
        }
    }

    @Test func `count their tokens as they come`() async throws {
        let server = try RawServer()
        try await Self.monitored([], hosts: ["127.0.0.1:\(server.port)"]) { loop, fixture, values in
            let socket = try await fixture.open(postRequest(#"{"stream":true}"#))
            let peer = try await offLoop {
                let peer = try server.accept()
                try peer.receiveRequest()
                try peer.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
                return peer
            }
            for count in 1...3 {
                let line = #"{"message":{"role":"assistant","content":"t"},"done":false}"# + "\n"
                try await offLoop { try peer.send("\(String(line.utf8.count, radix: 16))\r\n\(line)\r\n") }
                try await until("\(count) tokens have come", on: loop) {
                    (try? Self.state(fixture))?.prompts.first?.outputTokens == count
                }
                let state = try Self.state(fixture)
                #expect(state.prompts.first?.phase == "streaming")
                #expect(values()["promptd_output_parts_total"] == Double(count))
            }
            socket.close()
            try await until("it has left", on: loop) { fixture.function.inFlight == 0 }
            #expect(values()[#"promptd_cancellations_total{phase="streaming"}"#] == 1)
            peer.close()
        }
    }

    @Test func `that share a generation are each seen`() async throws {
        try await Self.monitored(settings: { $0.coalesces = true }) { loop, fixture, values in
            fixture.standIn.hold()
            let body = #"{"prompt":"hi","options":{"seed":1},"stream":true}"#
            let sockets = try await fixture.open(3, posting: body)
            try await until("all share", on: loop) {
                fixture.function.inFlight == 1
                    && (try? Self.state(fixture))?.prompts.map(\.phase) == ["asking", "asking", "asking"]
            }
            fixture.standIn.release()
            for socket in sockets {
                #expect(try await response(on: socket).status == 200)
                socket.close()
            }
            let seen = values()
            #expect(seen["gen_ai_server_time_to_first_token_seconds_count" + Self.labels()] == 3)
            let state = try Self.state(fixture)
            #expect(state.totals.answered == 3)
        }
    }

    @Test func `for which another model is asked are counted with both`() async throws {
        try await Self.monitored(settings: { $0.fallbacks = try Fallbacks("fault:missing=llama3.2:1b") }) {
            loop, fixture, values in
            let answered = try await fixture.post(#"{"model":"fault:missing"}"#)
            #expect(answered.status == 200)
            let name =
                #"{gen_ai_operation_name="chat",gen_ai_provider_name="ollama",gen_ai_request_model="fault:missing","#
                + #"gen_ai_response_model="llama3.2:1b"}"#
            #expect(values()["gen_ai_server_request_duration_seconds_count" + name] == 1)
            #expect(values()["promptd_fallbacks_total"] == 1)
        }
    }

    // MARK: Timing and the log

    static let timed: [(path: String, body: String, step: String, status: Int)] = [
        ("/", "{}", "answer", 200), ("/", #"{"stream":true}"#, "first-token", 200),
        ("/", #"{"model":"fault:missing"}"#, "answer", 404),
        ("/api/chat", #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#, "answer", 200),
        ("/v1/chat/completions", #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#, "answer", 200),
        (
            "/v1/chat/completions", #"{"model":"fault:missing","messages":[{"role":"user","content":"hi"}]}"#, "answer",
            404
        ),
    ]

    @Test(arguments: timed)
    func `tell where their time went, if that is wanted`(
        path: String, body: String, step: String, status: Int
    ) async throws {
        try await withBackends(settings: { ($0.apis, $0.tellsTiming) = (Set(API.allCases), true) }) { loop, fixture in
            let reply = try await fixture.post(body, ["X-Request-Id: my-id"], to: path)
            #expect(reply.status == status && reply["X-Request-Id"] == "my-id")
            let timing = try #require(reply["Server-Timing"])
            let form = try Regex(#"queue;dur=\d+\.\d, connect;dur=\d+\.\d, \#(step);dur=\d+\.\d, total;dur=\d+\.\d"#)
            let matches = timing.wholeMatch(of: form) != nil
            #expect(matches, "\(timing)")
            let kept = try await fixture.post(body, to: path)
            #expect(kept["Server-Timing"]?.contains("connect") == false)  // there is a connection
            for id in ["", "a b", String(repeating: "x", count: 129), "\"", "é"] {
                let other = try await fixture.post(body, ["X-Request-Id: \(id)"], to: path)
                #expect(other["X-Request-Id"]?.count == 16, "\(id)")
            }
        }
        try await withBackends(settings: { $0.apis = Set(API.allCases) }) { loop, fixture in
            let reply = try await fixture.post(body, ["X-Request-Id: my-id"], to: path)
            #expect(reply["X-Request-Id"] == nil && reply["Server-Timing"] == nil)
        }
    }

    @Test func `keep the request id of a host that passes one on`() async throws {
        let server = try RawServer()
        async let peers = server.play([
            { peer in
                try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\nx-request-ID: theirs\r\nContent-Length: 13\r\n\r\n{\"done\":true}")
                peer.close()
            }
        ])
        try await withBackends(
            [], hosts: ["127.0.0.1:\(server.port)"],
            settings: { ($0.apis, $0.tellsTiming) = (Set(API.allCases), true) }
        ) { loop, fixture in
            let reply = try await fixture.post(#"{"model":"m","stream":false}"#, to: "/api/chat")
            #expect(reply.fields.filter { $0.name.lowercased() == "x-request-id" }.map(\.value) == ["theirs"])
            #expect(reply["Server-Timing"] != nil)
        }
        _ = try await peers
    }

    @Test func `have a line in the log each, without their text`() async throws {
        try await withBackends(settings: { ($0.logsPrompts, $0.maxInFlight) = (true, 1) }) { loop, fixture in
            _ = try await fixture.post(#"{"prompt":"secret words"}"#, ["X-Request-Id: one"])
            _ = try await fixture.post(#"{"prompt":"secret words","model":"fault:missing"}"#)
            fixture.standIn.hold()
            let sockets = try await fixture.begin([#"{"prompt":"secret words"}"#], on: loop)
            sockets[0].close()
            try await until("it has left", on: loop) { fixture.log.lines(with: "prompt ended").count == 2 }
            let answered = try #require(fixture.log.lines(with: "prompt answered").first)
            for field in ["request=one", "client=127.0.0.1", "model=llama3.2:1b", "operation=chat", "attempts=1"] {
                #expect(answered.contains(field), "\(answered)")
            }
            let ended = fixture.log.lines(with: "prompt ended")
            #expect(ended[0].contains("error=404") && ended[0].contains("status=404"))
            #expect(ended[1].contains("error=cancelled") && ended[1].contains("phase=asking"))
            let failed = try #require(fixture.log.lines(with: "prompt failed").first)
            let id = try #require(ended[0].firstMatch(of: /request=(\w{16})/)?.1)
            #expect(failed.contains(id))
            #expect(fixture.log.lines(with: "secret").isEmpty)
        }
    }

    // MARK: State

    @Test func `are shown up to a hundred, and any text is JSON`() async throws {
        try await Self.monitored(settings: { $0.maxInFlight = 1 }) { loop, fixture, values in
            fixture.standIn.hold()
            var sockets = try await fixture.begin([#"{"model":"\u0000\"\\\ud83d\ude00<script>"}"#], on: loop)
            sockets += try await fixture.open(129, posting: "{}")
            try await until("all wait", on: loop) { fixture.function.waiting == 129 }
            let state = try Self.state(fixture)
            #expect(state.prompts.count == 100 && state.promptsLeftOut == 30)
            #expect(state.prompts[0].model == "\0\"\\\u{1F600}<script>")
            for socket in sockets { socket.close() }
        }
    }

    @Test func `make a history of an hour`() async throws {
        let registry = MetricsRegistry(Instruments.all)
        try await withBackends(clock: .manual, settings: { $0.metrics = registry }) { loop, fixture in
            #expect(try await fixture.post(#"{"stream":true}"#).status == 200)
            await loop.advance(by: .seconds(10))
            await loop.advance(by: .seconds(10))
            _ = try await fixture.post(#"{"model":"fault:missing"}"#)
            await loop.advance(by: .seconds(10))
            await loop.advance(by: .seconds(4))
            let history = try #require(try Self.state(fixture, withHistory: true).history)
            #expect(history.end == 1_000_000 - 4)
            #expect(history.series["prompts"] == [1, 0, 1] && history.series["failures"] == [0, 0, 1])
            let first = try #require(history.series["first_token_p50"])
            #expect(first[0] != nil && first[1] == nil && first[2] == nil)
            for _ in 0..<400 { await loop.advance(by: .seconds(10)) }
            let later = try #require(try Self.state(fixture, withHistory: true).history)
            #expect(later.series.values.allSatisfy { $0.count == 360 })
            #expect(later.series["prompts"]?.allSatisfy { $0 == 0 } == true)
        }
    }

    @Test func `say what is wrong with a backend`() async throws {
        try await Self.monitored { loop, fixture, values in
            await fixture.stop(0)
            _ = try await fixture.post("{}")
            let state = try Self.state(fixture)
            #expect(state.backends[0].breaker == "open")
            #expect(values()[#"promptd_backend_breaker{backend="http://\#(fixture.addresses[0])",state="open"}"#] == 1)
        }
    }
}
