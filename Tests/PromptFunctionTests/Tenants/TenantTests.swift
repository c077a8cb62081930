import APIs
import Digests
import EventLoop
import HTTPServer
import Ollama
import OpenAI
import PromptFunction
import StandIn
import Telemetry
import TestSupport
import Testing

/// Tenants, over sockets.
@Suite(.timeLimit(.minutes(1))) struct `Tenants` {
    /// A file with tenants whose keys are their names, if `keys` has no other.
    private static func file(_ tenants: String..., keys: [String: String] = [:]) throws -> TenantSettings {
        let members = tenants.map { tenant in
            let name = tenant.split(separator: " ", maxSplits: 1)
            let hash = SHA256Digest(of: keys[String(name[0])] ?? String(name[0])).hexadecimal
            return #""\#(name[0])":{"keys":["sha256:\#(hash)"]\#(name.count > 1 ? "," + name[1] : "")}"#
        }
        return try TenantSettings(json: Array(#"{"tenants":{\#(members.joined(separator: ","))}}"#.utf8))
    }

    private static func tokens(_ count: Int) -> StandInSettings {
        var settings = StandInSettings()
        settings.tokens = count
        return settings
    }

    private static func key(_ name: String) -> [String] { ["Authorization: Bearer \(name)"] }

    @Test func `are known by their keys, beside plain keys`() async throws {
        try await withBackends(settings: {
            $0.protection.tenants = try Self.file("ant", "bee")
            $0.protection.keys = try APIKeys(list: "cat")
        }) { loop, fixture in
            for (name, status) in [("ant", 200), ("bee", 200), ("cat", 200), ("dog", 401), ("", 401)] {
                let reply = try await fixture.post("{}", Self.key(name))
                #expect(reply.status == status, "\(name)")
                #expect(reply["RateLimit"] == nil && reply["RateLimit-Policy"] == nil)
            }
            let keyless = try await fixture.post("{}")
            #expect(keyless.status == 401)
            let other = try await fixture.post("{}", ["X-API-Key: ant"])
            #expect(other.status == 200)
        }
    }

    @Test func `are told apart on one connection, also in requests that come at once`() async throws {
        try await withBackends(settings: {
            $0.protection.tenants = try Self.file(#"ant "requests-per-minute":90"#, #"bee "requests-per-minute":70"#)
            $0.protection.keys = try APIKeys(list: "cat")
        }) { loop, fixture in
            let senders = ["ant", "cat", "bee", "dog", "ant", "", "cat"]
            let requests = senders.flatMap { postRequest("{}", Self.key($0)) }
            let socket = try await fixture.open(requests)
            defer { socket.close() }
            for sender in senders {
                let reply = try await response(on: socket)
                let limit = ["ant": "90", "bee": "70"][sender]
                #expect(reply["RateLimit-Policy"] == limit.map { #""requests";q=\#($0);w=60"# }, "\(sender)")
                #expect(reply.status == (sender == "dog" || sender.isEmpty ? 401 : 200), "\(sender)")
            }
        }
    }

    /// The connection knows the last key, so that it needs no further digest.
    @Test func `are told apart by the key of each request, also after a reload`() async throws {
        let long = String(repeating: "k", count: 400)
        try await withBackends(settings: {
            $0.protection.tenants = try Self.file(
                #"ant "requests-per-minute":90"#, #"bee "requests-per-minute":70"#, #"cow "requests-per-minute":50"#,
                keys: ["cow": long])
        }) { loop, fixture in
            let socket = try await fixture.open([])
            defer { socket.close() }
            func expect(_ policy: Int?, _ key: String) async throws {
                try socket.send(postRequest("{}", Self.key(key)))
                let reply = try await response(on: socket)
                #expect(reply.status == (policy == nil ? 401 : 200), "\(key.prefix(9))")
                #expect(reply["RateLimit-Policy"] == policy.map { #""requests";q=\#($0);w=60"# }, "\(key.prefix(9))")
            }
            try await expect(nil, "an")
            for (key, policy) in [("ant", 90), ("ant", 90), ("an", nil), ("anta", nil), ("anT", nil), ("ant", 90)] {
                try await expect(policy, key)
            }
            for (key, policy) in [("bee", 70), (long, 50), (long, 50), ("bee", 70), ("", nil), ("bee", 70)] {
                try await expect(policy, key)
            }
            var settings = fixture.function.settings
            settings.protection.tenants = try Self.file(#"bee "requests-per-minute":60"#)
            fixture.function.replace(with: settings)
            for (key, policy) in [("bee", 60), ("bee", 60), ("ant", nil), ("bee", 60)] { try await expect(policy, key) }
            settings.protection.tenants = try Self.file(#"cat "requests-per-minute":40"#, keys: ["cat": "bee"])
            fixture.function.replace(with: settings)
            for _ in 0..<2 { try await expect(40, "bee") }
            settings.protection.tenants = try Self.file("ant")
            fixture.function.replace(with: settings)
            for _ in 0..<2 { try await expect(nil, "bee") }
        }
    }

    @Test func `may ask their models only, and see only those in lists`() async throws {
        var standIn = StandInSettings()
        standIn.models = ["llama3.2:1b", "qwen3:4b", "big:70b"]
        try await withBackends(
            [standIn],
            settings: {
                $0.apis = [.ollama, .openai]
                $0.protection.models = try ModelPolicy(aliases: "fast=llama3.2:1b")
                $0.protection.tenants = try Self.file(#"ant "models":["llama3.2:1b"]"#, "bee")
                $0.fallbacks = try Fallbacks("llama3.2:1b=big:70b")
            }
        ) { loop, fixture in
            for (model, status) in [("llama3.2:1b", 200), ("fast", 200), ("qwen3:4b", 403)] {
                let own = try await fixture.post(#"{"prompt":"a","model":"\#(model)"}"#, Self.key("ant"))
                #expect(own.status == status, "\(model)")
                let chat = #"{"model":"\#(model)","messages":[{"role":"user","content":"a"}],"stream":false}"#
                for path in ["/api/chat", "/v1/chat/completions"] {
                    let passed = try await fixture.post(chat, Self.key("ant"), to: path)
                    #expect(passed.status == status, "\(model) \(path)")
                }
                let show = try await fixture.post(#"{"model":"\#(model)"}"#, Self.key("ant"), to: "/api/show")
                #expect(show.status == status, "\(model)")
                let free = try await fixture.post(#"{"prompt":"a","model":"\#(model)"}"#, Self.key("bee"))
                #expect(free.status == 200)
            }
            // Ollama would take the later name.
            for names in [#""name":"llama3.2:1b","Name":"qwen3:4b""#, #""name":"llama3.2:1b","name":"qwen3:4b""#] {
                let show = try await fixture.post("{\(names)}", Self.key("ant"), to: "/api/show")
                #expect(show.status == 400, "\(names)")
            }
            for path in ["/api/tags", "/v1/models"] {
                let restricted = try await fixture.get(path, Self.key("ant"))
                #expect(restricted.text.contains("llama3.2:1b") && restricted.text.contains("fast"))
                #expect(!restricted.text.contains("qwen3") && !restricted.text.contains("big"))
                let free = try await fixture.get(path, Self.key("bee"))
                #expect(free.text.contains("qwen3"))
            }
            let one = try await fixture.get("/v1/models/qwen3:4b", Self.key("ant"))
            #expect(one.status == 403)
        }
    }

    @Test func `a fallback does not lead to a model that a tenant may not ask`() async throws {
        var standIn = StandInSettings()
        standIn.models = ["big:70b"]
        try await withBackends(
            [standIn],
            settings: {
                $0.protection.tenants = try Self.file(#"ant "models":["llama3.2:1b"]"#, "bee")
                $0.fallbacks = try Fallbacks("llama3.2:1b=big:70b")
            }
        ) { loop, fixture in
            let restricted = try await fixture.post("{}", Self.key("ant"))
            #expect(restricted.status == 404)
            let free = try await fixture.post("{}", Self.key("bee"))
            #expect(free.status == 200 && free["X-Promptd-Model"] == "big:70b")
        }
    }

    @Test func `may send so many requests in a minute, whichever minute`() async throws {
        try await withBackends(
            clock: .manual,
            settings: {
                $0.protection.tenants = try Self.file(#"ant "requests-per-minute":3"#, "bee")
            }
        ) { loop, fixture in
            for rest in [2, 1, 0] {
                let reply = try await fixture.post("{}", Self.key("ant"))
                #expect(reply.status == 200 && reply["RateLimit-Policy"] == #""requests";q=3;w=60"#)
                #expect(reply["RateLimit"]?.hasPrefix(#""requests";r=\#(rest);t="#) == true)
                await loop.advance(by: .seconds(10))
            }
            let refused = try await fixture.post("{}", Self.key("ant") + ["Accept: application/json"])
            #expect(refused.status == 429 && refused["Retry-After"] == "31")
            #expect(refused["RateLimit"] == #""requests";r=0;t=51"#)
            let other = try await fixture.post("{}", Self.key("bee"))
            #expect(other.status == 200)
            await loop.advance(by: .seconds(31))
            let again = try await fixture.post("{}", Self.key("ant"))
            #expect(again.status == 200)
        }
    }

    @Test func `use their tokens as they come, and the bill is settled afterwards`() async throws {
        var standIn = Self.tokens(50)
        standIn.tokenInterval = .milliseconds(10)
        try await withBackends(
            [standIn], clock: .manual,
            settings: {
                $0.protection.tenants = try Self.file(#"ant "tokens-per-minute":160"#)
            }
        ) { loop, fixture in
            func used() -> Int? { tokensUsed(fixture) }
            let body = #"{"prompt":"a b","stream":true}"#
            var sockets: [RawSocket] = []
            defer { sockets.forEach { $0.close() } }
            for before in [0, 51, 102] {  // the tokens of the answer, and one for the prompt
                sockets.append(try await fixture.open(postRequest(body, Self.key("ant"))))
                try await until("the first token counts", on: loop) { used() == before + 1 }
                for _ in 0..<9 { try await passDeadline(.milliseconds(10), on: loop) }
                try await until("ten tokens count", on: loop) { used() == before + 10 }
                for _ in 0..<40 { try await passDeadline(.milliseconds(10), on: loop) }
                try await until("the bill is settled", on: loop) { used() == before + 51 }
            }
            // A prompt is expected to use as many tokens as those before.
            let refused = try await fixture.post("{}", Self.key("ant"))
            #expect(refused.status == 429 && refused.text.hasPrefix("You have used the tokens"))
            #expect(refused["Retry-After"] != nil && refused["RateLimit-Policy"] == #""tokens";q=160;w=60"#)
            await loop.advance(by: .seconds(61))
            sockets.append(try await fixture.open(postRequest(body, Self.key("ant"))))
            try await until("the next minute's begin", on: loop) { used() == 1 }
        }
    }

    private func tokensUsed(_ fixture: MultiBackendFixture) -> Int? {
        let state = String(decoding: fixture.function.state(withHistory: false, at: 0), as: UTF8.self)
        return state.firstMatch(of: /"name":"ant",.*?"tokens":(\d+),/).flatMap { Int($0.1) }
    }

    @Test func `may look at models also without tokens`() async throws {
        try await withBackends(
            [Self.tokens(50)], clock: .manual,
            settings: {
                $0.apis = [.ollama]
                $0.protection.tenants = try Self.file(#"ant "tokens-per-minute":30"#, #"bee "requests-per-minute":9"#)
            }
        ) { loop, fixture in
            for (path, status, left) in [("/api/tags", 405, 8), ("/api/me", 404, 7), ("/api/show", 400, 6)] {
                let reply = try await fixture.post("{}", Self.key("bee"), to: path)
                #expect(reply.status == status, "\(path)")
                #expect(reply["RateLimit"]?.contains("r=\(left);") == true, "\(path)")
            }
            let model = #"{"model":"llama3.2:1b"}"#
            for (path, status) in [("/", 200), ("/", 429), ("/api/show", 200), ("/api/chat", 429), ("/api/show", 200)] {
                let reply = try await fixture.post(path == "/" ? "{}" : model, Self.key("ant"), to: path)
                #expect(reply.status == status, "\(path)")
            }
        }
    }

    @Test func `many prompts at once stay within the tokens of a minute`() async throws {
        try await withBackends(
            [Self.tokens(20)], clock: .manual,
            settings: {
                $0.protection.tenants = try Self.file(#"ant "tokens-per-minute":2000"#)
            }
        ) { loop, fixture in
            // The first tells how many tokens a prompt uses.
            for _ in 0..<30 { _ = try await fixture.post("{}", Self.key("ant")) }
            for minute in 1...3 {
                let port = fixture.port
                let statuses = try await offLoop {
                    let sockets = try (0..<200).map { _ in
                        let socket = try RawSocket(port: port)
                        try socket.send(postRequest(#"{"stream":true}"#, Self.key("ant")))
                        return socket
                    }
                    return try sockets.map { try $0.response().status }
                }
                let used = try #require(self.tokensUsed(fixture))
                #expect(used <= 2000 && used > 1900, "minute \(minute): \(used)")
                #expect(statuses.contains(429) && statuses.contains(200))
                await loop.advance(by: .seconds(61))
            }
        }
    }

    @Test func `have only so many prompts in flight, and do not keep others waiting`() async throws {
        try await withBackends(settings: {
            $0.maxInFlight = 4
            $0.protection.tenants = try Self.file(#"ant "max-in-flight":2"#, "bee")
        }) { loop, fixture in
            fixture.standIn.hold()
            let ants = try await fixture.begin((0..<5).map { #"{"prompt":"ant \#($0)"}"# }, Self.key("ant"), on: loop)
            #expect(fixture.function.inFlight == 2 && fixture.function.waiting == 3)
            let bees = try await fixture.begin((0..<2).map { #"{"prompt":"bee \#($0)"}"# }, Self.key("bee"), on: loop)
            #expect(fixture.function.inFlight == 4 && fixture.function.waiting == 3)
            ants[0].close()  // a client that leaves makes room
            try await until("the next is asked", on: loop) { fixture.function.waiting == 2 }
            ants[4].close()  // one that waits takes nothing
            try await until("it is gone", on: loop) { fixture.function.waiting == 1 }
            #expect(fixture.function.inFlight == 4)
            fixture.standIn.release()
            for (index, socket) in ants.enumerated() where index % 4 != 0 {
                let text = try await response(on: socket).text
                #expect(text == answer(to: "ant \(index)"))
            }
            for (index, socket) in bees.enumerated() {
                let text = try await response(on: socket).text
                #expect(text == answer(to: "bee \(index)"))
            }
        }
    }

    @Test func `an interactive prompt does not wait behind a batch of 1,000`() async throws {
        try await withBackends(settings: {
            $0.maxInFlight = 1
            $0.protection.tenants = try Self.file(#"ant "class":"batch""#, "bee")
        }) { loop, fixture in
            fixture.standIn.hold()
            let batch = try await fixture.begin((0..<1000).map { _ in "{}" }, Self.key("ant"), on: loop)
            defer { batch.forEach { $0.close() } }
            let one = try await fixture.begin([#"{"prompt":"mine"}"#], Self.key("bee"), on: loop)[0]
            fixture.standIn.step()  // the one that is with Ollama
            try await until("it is asked", on: loop) { fixture.requests[0] == 2 }
            fixture.standIn.step()
            let text = try await response(on: one).text
            #expect(text == answer(to: "mine"))
            let state = String(decoding: fixture.function.state(withHistory: false, at: 0), as: UTF8.self)
            #expect(state.contains(#"{"name":"batch","waiting":99"#))
        }
    }

    @Test func `can be replaced while prompts are in flight, and keep what they have used`() async throws {
        try await withBackends(
            [Self.tokens(40)], clock: .manual,
            settings: {
                $0.protection.tenants = try Self.file(
                    #"ant "max-in-flight":1,"tokens-per-minute":1000"#, "bee", #"gone "requests-per-minute":1"#)
            }
        ) { loop, fixture in
            _ = try await fixture.post("{}", Self.key("ant"))
            let used = try #require(self.tokensUsed(fixture))
            fixture.standIn.hold()
            let ants = try await fixture.begin((0..<3).map { _ in "{}" }, Self.key("ant"), on: loop)
            let gone = try await fixture.begin(["{}"], Self.key("gone"), on: loop)
            #expect(fixture.function.inFlight == 2 && fixture.function.waiting == 2)
            var settings = fixture.function.settings
            settings.protection.tenants = try Self.file("bee", #"ant "max-in-flight":2,"tokens-per-minute":30"#, "new")
            fixture.function.replace(with: settings)
            #expect(fixture.function.inFlight == 3 && fixture.function.waiting == 1)
            for (name, status) in [("gone", 401), ("ant", 429)] {
                let reply = try await fixture.post("{}", Self.key(name))
                #expect(reply.status == status, "\(name)")
            }
            #expect(self.tokensUsed(fixture).map { $0 >= used } == true)
            fixture.standIn.release()
            for socket in ants + gone {
                let status = try await response(on: socket).status
                #expect(status == 200)
            }
            let new = try await fixture.post("{}", Self.key("new"))
            #expect(new.status == 200)
            settings.protection.tenants = nil
            fixture.function.replace(with: settings)
            let open = try await fixture.post("{}")
            #expect(open.status == 200)
        }
    }

    @Test func `are counted, each under its name`() async throws {
        let registry = MetricsRegistry(Instruments.all)
        try await withBackends(settings: {
            $0.metrics = registry
            $0.checkInterval = .zero
            $0.protection.tenants = try Self.file(#"ant "requests-per-minute":1,"class":"batch""#, "bee")
        }) { loop, fixture in
            for (name, status) in [("ant", 200), ("ant", 429), ("bee", 200)] {
                let reply = try await fixture.post(#"{"prompt":"a b c"}"#, Self.key(name))
                #expect(reply.status == status)
            }
            fixture.function.collectMetrics()
            fixture.function.collectMetrics()
            let text = String(decoding: Exposition.prometheus.text(of: registry), as: UTF8.self)
            for line in [
                #"promptd_tenant_prompts_total{tenant="ant",outcome="answered"} 1"#,
                #"promptd_tenant_prompts_total{tenant="ant",outcome="refused"} 1"#,
                #"promptd_tenant_prompts_total{tenant="bee",outcome="answered"} 1"#,
                #"promptd_tenant_prompts_in_flight{tenant="bee"} 0"#,
                #"promptd_queue_wait_seconds_count{class="batch"} 1"#,
                #"promptd_queue_wait_seconds_count{class="interactive"} 1"#,
            ] {
                #expect(text.contains(line + "\n"), "\(line)")
            }
            #expect(text.contains(/promptd_tenant_tokens_total\{tenant="bee",type="output"\} [1-9]/))
        }
    }

    @Test func `that wait for themselves keep nobody out, and do not make the function unready`() async throws {
        try await withBackends(settings: {
            ($0.maxQueue, $0.readyQueue) = (10, 3)
            $0.protection.tenants = try Self.file(#"ant "max-in-flight":1"#, "bee")
        }) { loop, fixture in
            fixture.standIn.hold()
            let ants = try await fixture.begin((0..<9).map { _ in "{}" }, Self.key("ant"), on: loop)
            // It may have four times as many in the queue as are free.
            let full = try await fixture.post("{}", Self.key("ant"))
            #expect(full.status == 503 && full["Retry-After"] != nil)
            let ready = try await fixture.get("/health/readiness")
            #expect(ready.text == "Ready")
            let bee = try await fixture.begin(["{}"], Self.key("bee"), on: loop)
            #expect(fixture.function.inFlight == 2)
            fixture.standIn.release()
            for socket in ants + bee {
                let status = try await response(on: socket).status
                #expect(status == 200)
            }
        }
    }

    @Test func `do not fill the queue's bytes for the others`() async throws {
        try await withBackends(settings: {
            ($0.maxInFlight, $0.maxQueueBytes) = (1, 100_000)
            $0.protection.tenants = try Self.file("ant", "bee")
        }) { loop, fixture in
            fixture.standIn.hold()
            func prompt(_ count: Int) -> String { #"{"prompt":"\#(String(repeating: "a", count: count))"}"# }
            let long = prompt(27_000)
            let ants = try await fixture.begin(["{}", long, long, long], Self.key("ant"), on: loop)
            let refused = try await fixture.post(long, Self.key("ant"))
            #expect(refused.status == 503)
            let bee = try await fixture.begin([prompt(15_000)], Self.key("bee"), on: loop)
            #expect(fixture.function.waiting == 4)
            fixture.standIn.release()
            for socket in ants + bee {
                let status = try await response(on: socket).status
                #expect(status == 200)
            }
        }
    }

    @Test func `pay for what they leave before it is told, and for what nobody counts`() async throws {
        try await withBackends(
            [Self.tokens(50)],
            settings: {
                $0.apis = [.openai]
                $0.protection.tenants = try Self.file(#"ant "tokens-per-minute":100000"#)
            }
        ) { loop, fixture in
            func used() -> Int { tokensUsed(fixture) ?? 0 }
            let words = String(repeating: "word ", count: 400)  // 2,000 bytes
            _ = try await fixture.post(#"{"prompt":"a"}"#, Self.key("ant"))
            #expect(used() == 51)
            fixture.standIn.hold()
            let leaving = try await fixture.begin([#"{"prompt":"\#(words)"}"#], Self.key("ant"), on: loop)
            leaving[0].close()
            try await until("it is settled", on: loop) { fixture.active == 0 && used() > 51 }
            #expect(used() >= 51 + 500)
            fixture.standIn.release()
            let before = used()
            let chat = #"{"model":"m","stream":true,"messages":[{"role":"user","content":"\#(words)"}]}"#
            _ = try await fixture.post(chat, Self.key("ant"), to: "/v1/chat/completions")
            try await until("it is settled", on: loop) { used() >= before + 500 + 50 }
        }
    }

    /// A photo has half a million bytes of text, and a thousand tokens.
    @Test(arguments: [
        ("/", #""messages":[{"role":"user","content":"a","images":["PHOTO"]}]"#),
        ("/api/chat", #""messages":[{"role":"user","content":"a","images":["PHOTO"]}]"#),
        ("/v1/chat/completions", #""messages":[{"content":[{"type":"image_url","image_url":{"url":"PHOTO"}}]}]"#),
    ]) func `send photos beside other prompts`(path: String, members: String) async throws {
        try await withBackends(settings: {
            $0.apis = [.ollama, .openai]
            $0.protection.tenants = try Self.file(#"ant "tokens-per-minute":10000"#)
        }) { loop, fixture in
            fixture.standIn.hold()
            let photo = members.replacing("PHOTO", with: String(repeating: "A", count: 500_000))
            let sockets = try await fixture.begin(
                Array(repeating: #"{"model":"m",\#(photo)}"#, count: 3), Self.key("ant"), to: path, on: loop)
            fixture.standIn.release()
            for socket in sockets {
                let status = try await response(on: socket).status
                #expect(status == 200)
            }
        }
    }

    @Test func `pay for what they leave also before the first answer`() async throws {
        try await withBackends(settings: {
            $0.protection.tenants = try Self.file(#"ant "tokens-per-minute":100000"#)
        }) { loop, fixture in
            fixture.standIn.hold()
            let leaving = try await fixture.begin(["{}"], Self.key("ant"), on: loop)
            leaving[0].close()
            try await until("it is settled", on: loop) { fixture.active == 0 && (tokensUsed(fixture) ?? 0) >= 256 }
            fixture.standIn.release()
        }
    }

    @Test func `pay for streams that they share`() async throws {
        try await withBackends(
            [Self.tokens(50)],
            settings: {
                $0.apis = [.openai]
                $0.coalesces = true
                $0.protection.tenants = try Self.file(#"ant "tokens-per-minute":100000"#)
            }
        ) { loop, fixture in
            let chat = #"{"model":"m","stream":true,"temperature":0,"messages":[{"role":"user","content":"a"}]}"#
            let reply = try await fixture.post(chat, Self.key("ant"), to: "/v1/chat/completions")
            #expect(reply.status == 200)
            try await until("it is settled", on: loop) { (tokensUsed(fixture) ?? 0) >= 50 }
        }
    }

    @Test func `do not pay for answers that nobody writes`() async throws {
        try await withBackends(
            [Self.tokens(500)],
            settings: {
                $0.apis = [.ollama]
                $0.protection.tenants = try Self.file(#"ant "tokens-per-minute":100000"#)
            }
        ) { loop, fixture in
            _ = try await fixture.post(#"{"prompt":"a"}"#, Self.key("ant"))
            let before = tokensUsed(fixture) ?? 0
            #expect(before > 500)
            let reply = try await fixture.post(#"{"model":"m","input":"a"}"#, Self.key("ant"), to: "/api/embed")
            #expect(reply.status == 200)
            try await until("it is settled", on: loop) {
                ((before + 1)...(before + 10)).contains(tokensUsed(fixture) ?? 0)
            }
        }
    }

    @Test func `that wait for themselves do not make the function unready while the backends are full`() async throws {
        try await withBackends(settings: {
            ($0.maxInFlight, $0.readyQueue) = (1, 3)
            $0.protection.tenants = try Self.file(#"ant "max-in-flight":1"#, "bee")
        }) { loop, fixture in
            fixture.standIn.hold()
            let ants = try await fixture.begin((0..<9).map { _ in "{}" }, Self.key("ant"), on: loop)
            let ready = try await fixture.get("/health/readiness")
            #expect(ready.text == "Ready")
            let bees = try await fixture.begin((0..<3).map { _ in "{}" }, Self.key("bee"), on: loop)
            let unready = try await fixture.get("/health/readiness")
            #expect(unready.status == 503)
            fixture.standIn.release()
            for socket in ants + bees {
                let status = try await response(on: socket).status
                #expect(status == 200)
            }
        }
    }

    @Test func `see their own limits, and not those of a host`() async throws {
        let server = try RawServer()
        let script: RawServer.Script = { peer in
            for _ in 0..<2 {
                _ = try peer.receiveRequest()
                try peer.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nratelimit-policy: \"a\";q=1\r\nX-A: b\r\n"
                        + "RateLimit: \"a\";r=0\r\nContent-Length: 2\r\n\r\n{}")
            }
            peer.close()
        }
        async let peers = server.play([script])
        try await withBackends(
            [],
            settings: {
                $0.openAIHosts = [try OpenAIBaseURL(parsing: "http://127.0.0.1:\(server.port)/v1/")]
                $0.checkInterval = .zero
                $0.apis = [.openai]
                $0.protection.tenants = try Self.file(#"ant "requests-per-minute":5"#, "bee")
            }
        ) { loop, fixture in
            for (name, policies) in [("ant", [#""requests";q=5;w=60"#]), ("bee", [#""a";q=1"#])] {
                let reply = try await fixture.post(#"{"model":"m"}"#, Self.key(name), to: "/v1/responses")
                #expect(reply.status == 200 && reply["X-A"] == "b")
                let found = reply.fields.filter { $0.name.lowercased() == "ratelimit-policy" }.map(\.value)
                #expect(found == policies, "\(name)")
                #expect(reply.fields.count { $0.name.lowercased() == "ratelimit" } == 1)
            }
        }
        _ = try await peers
    }

    @Test func `have their class at once when it changes, and never another's number`() async throws {
        let registry = MetricsRegistry(Instruments.all)
        try await withBackends(settings: {
            $0.metrics = registry
            $0.checkInterval = .zero
            $0.maxInFlight = 1
            $0.protection.tenants = try Self.file("ant", "bee")
        }) { loop, fixture in
            fixture.standIn.hold()
            let ants = try await fixture.begin((0..<4).map { _ in "{}" }, Self.key("ant"), on: loop)
            func state() -> String {
                String(decoding: fixture.function.state(withHistory: false, at: 0), as: UTF8.self)
            }
            #expect(state().contains(#"{"name":"interactive","waiting":3},{"name":"batch","waiting":0}"#))
            var settings = fixture.function.settings
            settings.protection.tenants = try Self.file(#"ant "class":"batch""#, "bee")
            fixture.function.replace(with: settings)
            #expect(state().contains(#"{"name":"interactive","waiting":0},{"name":"batch","waiting":3}"#))
            fixture.standIn.release()
            for socket in ants {
                let status = try await response(on: socket).status
                #expect(status == 200)
            }
            fixture.function.collectMetrics()
            settings.protection.tenants = nil
            fixture.function.replace(with: settings)
            settings.protection.tenants = try Self.file("new", "bee")
            fixture.function.replace(with: settings)
            _ = try await fixture.post("{}", Self.key("bee"))
            _ = try await fixture.post("{}", Self.key("new"))
            fixture.function.collectMetrics()
            let text = String(decoding: Exposition.prometheus.text(of: registry), as: UTF8.self)
            for (name, count) in [("ant", 4), ("bee", 1), ("new", 1)] {
                let line = #"promptd_tenant_prompts_total{tenant="\#(name)",outcome="answered"} \#(count)"#
                #expect(text.contains(line + "\n"), "\(line)")
            }
        }
    }

    @Test func `share generations only with themselves`() async throws {
        try await withBackends(settings: {
            $0.coalesces = true
            $0.protection.tenants = try Self.file("ant", "bee")
        }) { loop, fixture in
            fixture.standIn.hold()
            let body = #"{"prompt":"a","options":{"temperature":0}}"#
            var sockets: [RawSocket] = []
            for name in ["ant", "ant", "bee"] {
                sockets.append(try await fixture.open(postRequest(body, Self.key(name))))
                try await until("it is there", on: loop) { fixture.requests[0] == (name == "ant" ? 1 : 2) }
            }
            fixture.standIn.release()
            for socket in sockets {
                let status = try await response(on: socket).status
                #expect(status == 200)
            }
            #expect(fixture.requests == [2])
        }
    }
}
