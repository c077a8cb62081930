import EventLoop
import Foundation
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// What an operator allows, over sockets.
@Suite(.timeLimit(.minutes(1))) struct `Protected` {
    @Test func `without a valid key nobody is answered but health checks and GETs`() async throws {
        let sentence = "Send a valid API key: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."
        try await withBackends(settings: { $0.protection.keys = try APIKeys(list: "ant,bee") }) { loop, fixture in
            for fields in [
                [], ["X-API-Key: cat"], ["Authorization: Bearer ant2"], ["Authorization: Basic ant"], ["X-API-Key:"],
            ] {
                let refused = try await fixture.post("{}", fields)
                #expect(refused.status == 401 && refused.text == sentence + "\n", "\(fields)")
                let json = try await fixture.post("{}", fields + ["Accept: application/json"])
                #expect(json.status == 401 && json.text == "{\"error\":\"\(sentence)\"}")
            }
            #expect(fixture.requests == [0])
            for fields in ["X-API-Key: ant", "Authorization: Bearer bee", "authorization: bearer ant"] {
                let answered = try await fixture.post("{}", [fields])
                #expect(answered.status == 200, "\(fields)")
            }
            for (path, text) in [("/", "OK"), ("/health/liveness", "Alive"), ("/health/readiness", "Ready")] {
                let open = try await fixture.get(path)
                #expect(open.status == 200 && open.text == text)
            }
            var settings = fixture.function.settings
            settings.protection.keys = try APIKeys(list: "cat")
            fixture.function.replace(with: settings)
            let old = try await fixture.post("{}", ["X-API-Key: ant"])
            #expect(old.status == 401)
            let new = try await fixture.post("{}", ["X-API-Key: cat"])
            #expect(new.status == 200)
        }
    }

    @Test func `an encoded body is refused by its head, with the codings that are understood`() async throws {
        try await withBackends { loop, fixture in
            for coding in ["br", "compress", "gzip, gzip", "br, gzip", "gzip\r\nContent-Encoding: br"] {
                let refused = try await fixture.post("{}", ["Content-Encoding: \(coding)"])
                #expect(refused.status == 415 && refused["Accept-Encoding"] == "gzip, deflate, zstd, identity")
                #expect(refused.text.hasPrefix("Send the body as it is, or in one of gzip, deflate and zstd: "))
            }
            for coding in ["identity", "Identity", ""] {
                let answered = try await fixture.post("{}", ["Content-Encoding: \(coding)"])
                #expect(answered.status == 200)
            }
        }
    }

    @Test func `only the models that are offered are asked, by any of their names`() async throws {
        var standIn = StandInSettings()
        standIn.models = ["llama3.2:1b", "qwen3:8b", "secret"]
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.protection.models = try ModelPolicy(allowed: "llama3.2:1b,qwen3:8b", aliases: "best=qwen3:8b")
        }
        try await withBackends([standIn], settings: change) { loop, fixture in
            let refused = try await fixture.post(#"{"model":"secret"}"#)
            #expect(
                refused.status == 403 && refused.text == "The model 'secret' is not allowed here: ask another model.\n")
            let json = try await fixture.post(#"{"model":"fault:cut","stream":true}"#, ["Accept: text/event-stream"])
            #expect(json.status == 403 && json.text.hasPrefix("{\"error\":\"The model 'fault:cut'"))
            #expect(fixture.requests == [0])
            for model in ["llama3.2:1b", "best", "Best:latest"] {
                let lines = try await fixture.post(#"{"model":"\#(model)"}"#, ["Accept: application/json"])
                #expect(lines.status == 200)
                #expect(lines.text.contains("\"model\":\"\(model == "llama3.2:1b" ? model : "qwen3:8b")\""))
            }
        }
    }

    @Test func `a prompt may not be longer than allowed`() async throws {
        try await withBackends(settings: { $0.protection.maxPromptBytes = 20 }) { loop, fixture in
            let twenty = String(repeating: "x", count: 20)
            let short = try await fixture.post(#"{"prompt":"\#(twenty)","other":"\#(twenty)"}"#)
            #expect(short.status == 200)
            for body in [
                #"{"prompt":"\#(twenty)x"}"#, #"{"prompt":"\#(twenty)","system":"x"}"#,
                #"{"messages":[{"role":"user","content":"x"}]}"#,
            ] {
                let long = try await fixture.post(body)
                #expect(long.status == 403 && long.text == "Send at most 20 bytes of prompt and messages.\n")
            }
            #expect(fixture.requests == [1])
        }
    }

    @Test func `answers are no longer than allowed`() async throws {
        try await withBackends(settings: { $0.protection.maxPredict = 3 }) { loop, fixture in
            for options in ["4", "-1", "-2", "1e9", "99999999999999999999", "2.5"] {
                let refused = try await fixture.post(#"{"options":{"num_predict":\#(options)}}"#)
                #expect(refused.status == 403 && refused.text == "Give options.num_predict as a number from 0 to 3.\n")
            }
            #expect(fixture.requests == [0])
            for body in [
                "{}", #"{"options":null}"#, #"{"options":{}}"#, #"{"options":{"num_predict":3}}"#,
                #"{"options":{"seed":1},"messages":[{"role":"user","content":"x"}]}"#,
            ] {
                let answered = try await fixture.post(body)
                #expect(answered.text == "No model is", "\(body): \(answered.text)")
            }
            let shorter = try await fixture.post(#"{"options":{"num_predict":2}}"#)
            #expect(shorter.text == "No model")
        }
    }

    /// Ollama, written in Go, keeps the last of equal names, and takes null for nothing: no limit.
    @Test(arguments: ["null", "2,\"num_predict\":null", "null,\"seed\":1"])
    func `null does not lift the limit`(value: String) async throws {
        let server = try RawServer()
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.hosts = [try OllamaHost.parse("127.0.0.1:\(server.port)").0]
            $0.protection.maxPredict = 3
        }
        let body = Box<String>()
        async let peers = server.play([
            { peer in
                body.value = String(decoding: try peer.receiveRequest().body, as: UTF8.self)
                peer.close()
            }
        ])
        try await withBackends(settings: change) { loop, fixture in
            _ = try await fixture.post("{\"options\":{\"num_predict\":\(value)}}")
        }
        _ = try await peers
        let options = try #require(body.value?.components(separatedBy: "\"options\":").last)
        #expect(options.hasPrefix("{\"num_predict\":\(value),\"num_predict\":3}"))
    }

    @Test func `a client that asks too often is told when to come back`() async throws {
        try await withBackends(clock: .manual, settings: { $0.protection.requestsPerMinute = 3 }) { loop, fixture in
            for _ in 0..<3 {
                let response = try await fixture.post("{}")
                #expect(response.status == 200)
            }
            let refused = try await fixture.post("{}", ["X-Forwarded-For: 192.0.2.1"])  // which nobody believes
            #expect(refused.status == 429 && refused.text == "You have sent too many requests: try again in 20 s.\n")
            #expect(refused["Retry-After"] == "20")
            let probe = try await fixture.get("/health/readiness")
            #expect(probe.status == 200)
            await loop.advance(by: .seconds(20))
            let later = try await fixture.post("{}")
            #expect(later.status == 200)
            // Another address is another client.
            let other = try await offLoop { [port = fixture.port] in
                let socket = try RawSocket(port: port, from: 2)
                defer { socket.close() }
                try socket.send(postRequest("{}"))
                return try socket.response().status
            }
            #expect(other == 200)
        }
    }

    @Test func `behind a trusted proxy each of its clients has its own rate`() async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.protection.requestsPerMinute = 2
            $0.protection.trustedProxies = try TrustedProxies("127.0.0.0/8")
        }
        try await withBackends(clock: .manual, settings: change) { loop, fixture in
            for client in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
                // What a client puts in front of it counts for nothing.
                for (index, forged) in ["", "192.0.2.77, ", "nonsense, "].enumerated() {
                    let response = try await fixture.post("{}", ["X-Forwarded-For: \(forged)\(client)"])
                    #expect(response.status == (index < 2 ? 200 : 429), "\(client) \(index)")
                }
            }
            // Another of the same IPv6 /64 is the same client.
            let neighbour = try await fixture.post("{}", ["X-Forwarded-For: 2001:db8::2"])
            #expect(neighbour.status == 429)
        }
    }

    @Test func `each key has its own rate, wherever it comes from`() async throws {
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.protection.requestsPerMinute = 1
            $0.protection.keys = try APIKeys(list: "ant,bee")
        }
        try await withBackends(clock: .manual, settings: change) { loop, fixture in
            for (key, status) in [("ant", 200), ("ant", 429), ("bee", 200), ("bee", 429), ("cat", 401)] {
                let response = try await fixture.post("{}", ["X-API-Key: \(key)"])
                #expect(response.status == status)
            }
        }
    }
}
