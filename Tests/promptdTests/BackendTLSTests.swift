import Foundation
import TestSupport
import Testing

/// Backends whose addresses begin with https://.
@Suite(.timeLimit(.minutes(2))) struct `Backends with TLS` {
    @Test func `are asked as others are, and a client that leaves ends the work`() async throws {
        let certificates = try await Certificates()
        let (standIn, address) = try await Promptd.standIn(["--token-interval", "5ms"])
        let (proxy, port) = try await certificates.proxy(to: address)
        let (server, url) = try await Promptd.serve(
            ["--apis", "ollama,openai", "--readiness", "backend", "--ca-file", certificates.authority],
            environment: [
                "OLLAMA_HOST": "https://localhost:\(port)", "OPENAI_BASE_URL": "https://localhost:\(port)/v1",
            ])
        defer { [standIn, proxy, server].forEach { $0.end() } }
        try await Promptd.untilReadiness("Ready", at: url)
        let whole = try await Promptd.curl(url, "-d", #"{"prompt":"one"}"#)
        #expect(whole.contains("You asked: one"))
        let streamed = try await Promptd.curl(url, "-d", #"{"prompt":"two","stream":true}"#)
        #expect(streamed.contains("You asked: two"))
        let passed = try await Promptd.curl(
            url + "/v1/chat/completions", "-d", #"{"model":"m","messages":[{"role":"user","content":"three"}]}"#)
        #expect(passed.contains("You asked: three"))
        let load = try await Promptd.run([
            "load", url, "--at-once", "100", "--stream", "--prompt", "I am {n}.", "--expect", "I am {n}.",
        ])
        #expect(load.status == 0, "\(load)")
        let leaving = try Command("/usr/bin/curl", ["-sN", url, "-d", #"{"prompt":"a","stream":true,"options":{}}"#])
        leaving.end()
        try await Promptd.untilAnswer(#""active":0"#, at: "http://\(address)/stand-in/counts")
        // Sessions are resumed.
        #expect(proxy.log.contains("resumed=True"))
    }

    @Test(arguments: [
        (Certificates.Kind.expired, "certificate has expired"), (.other, "hostname mismatch"), (.own, "self-signed"),
    ])
    func `are not asked if they cannot be trusted, and the log says why`(kind: Certificates.Kind, why: String)
        async throws
    {
        let certificates = try await Certificates()
        let (standIn, address) = try await Promptd.standIn()
        let (bad, port) = try await certificates.proxy(to: address, kind)
        let (good, other) = try await certificates.proxy(to: address)
        let (server, url) = try await Promptd.serve(
            ["--ca-file", certificates.authority], environment: ["OLLAMA_HOST": "https://localhost:\(port)"])
        defer { [standIn, bad, good, server].forEach { $0.end() } }
        let answer = try await Promptd.curl(url, "-w", "%{http_code}", "-d", "{}")
        #expect(answer == "Ollama cannot be reached.\n502")
        let line = try await server.line(with: "prompt failed")
        #expect(line.contains("the certificate is not trusted") && line.contains(why))
        // Another one answers in its place.
        let (both, url2) = try await Promptd.serve(
            ["--ca-file", certificates.authority],
            environment: ["OLLAMA_HOST": "https://localhost:\(port),https://localhost:\(other)"])
        defer { both.end() }
        for _ in 0..<3 {
            let answer = try await Promptd.curl(url2, "-d", "{}")
            #expect(answer.contains("You asked"))
        }
    }

    @Test func `are judged by another file after SIGHUP`() async throws {
        let (certificates, others) = (try await Certificates(), try await Certificates())
        let (standIn, address) = try await Promptd.standIn()
        let (proxy, port) = try await certificates.proxy(to: address)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        func trust(_ certificates: Certificates) throws {
            try Data(contentsOf: URL(filePath: certificates.authority)).write(to: file)
        }
        try trust(certificates)
        let (server, url) = try await Promptd.serve(
            ["--ca-file", file.path], environment: ["OLLAMA_HOST": "https://localhost:\(port)"])
        defer { [standIn, proxy, server].forEach { $0.end() } }
        for (number, (certificates, words)) in [
            (certificates, "You asked"), (others, "Ollama cannot be reached"), (certificates, "You asked"),
        ].enumerated() {
            if number > 0 {
                try trust(certificates)
                server.signal(SIGHUP)
                _ = try await server.line(with: "reloaded the settings", count: number)
            }
            let answer = try await Promptd.curl(url, "-d", "{}")
            #expect(answer.contains(words), "\(number)")
        }
    }

    @Test func `an answer that ends without the end of TLS is cut for the client too`() async throws {
        let certificates = try await Certificates()
        let (standIn, address) = try await Promptd.standIn(["--token-interval", "20ms"])
        let (proxy, port) = try await certificates.proxy(to: address, .good, ["--cut"])
        let (server, url) = try await Promptd.serve(
            ["--ca-file", certificates.authority], environment: ["OLLAMA_HOST": "https://localhost:\(port)"])
        defer { [standIn, proxy, server].forEach { $0.end() } }
        let asking = Task {
            try await Command.run(
                "/usr/bin/curl",
                ["-sSN", url, "-d", #"{"prompt":"\#(String(repeating: "a ", count: 500))","stream":true}"#])
        }
        try await Promptd.untilAsked(standIn)
        try await Promptd.untilAnswer(#""active":1"#, at: "http://\(address)/stand-in/counts")
        standIn.end()
        let result = try await asking.value
        #expect(result.status == 18, "\(result)")  // curl: the transfer is partial
    }
}
