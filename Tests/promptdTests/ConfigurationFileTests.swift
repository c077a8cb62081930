import Foundation
import TestSupport
import Testing

@testable import promptd

/// `--config` and `promptd config`.
@Suite(.timeLimit(.minutes(1))) struct `The configuration file` {
    /// Calls `body` with the path of a file that has `text`.
    private static func with<Result>(_ text: String, _ body: (String) async throws -> Result) async throws -> Result {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".json")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try await body(file.path)
    }

    /// What `promptd config` prints for a setting: its value and origin.
    private static func shown(
        _ name: String, _ flags: [String], environment: [String: String] = [:]
    ) async throws -> String {
        let result = try await Promptd.run(["config"] + flags, environment: environment)
        #expect(result.status == 0, "\(result.errors)")
        let line = result.output.split(separator: "\n").first { $0.hasPrefix(name + " ") } ?? ""
        return line.split(separator: " ").dropFirst().joined(separator: " ")
    }

    @Test func `comes after flags and variables, and before defaults`() async throws {
        try await Self.with(#"{"max-queue":100,"queue-timeout":"5s"}"#) { file in
            let flags = ["--config", file]
            #expect(try await Self.shown("max-queue", flags) == "100 file")
            #expect(try await Self.shown("queue-timeout", flags) == "5s file")
            #expect(try await Self.shown("max-in-flight", flags) == "256 default")
            let variables = ["PROMPTD_MAX_QUEUE": "50", "OLLAMA_HOST": "a:1"]
            let variable = try await Self.shown("max-queue", flags, environment: variables)
            #expect(variable == "50 environment (PROMPTD_MAX_QUEUE)")
            #expect(
                try await Self.shown("ollama-host", flags, environment: variables) == "a:1 environment (OLLAMA_HOST)")
            let flag = try await Self.shown("max-queue", flags + ["--max-queue=7"], environment: variables)
            #expect(flag == "7 flag")
            let inVariable = try await Self.shown("max-queue", [], environment: ["PROMPTD_CONFIG": file])
            #expect(inVariable == "100 file")
        }
    }

    @Test func `shows no secret`() async throws {
        try await Self.with(#"{"api-keys":["sesame"],"ollama-api-key":"sesame"}"#) { file in
            let result = try await Promptd.run(
                ["config", "--config", file], environment: ["OPENAI_API_KEY": "sesame"])
            #expect(result.status == 0 && !result.output.contains("sesame"))
            #expect(result.output.components(separatedBy: "********").count == 4)
        }
    }

    static let mistakes: [(text: String, words: String)] = [
        (#"{"max-que":1}"#, "there is no setting 'max-que'. Did you mean 'max-queue'?"),
        (#"{"nothing like it at all":1}"#, "there is no setting 'nothing like it at all'.\n"),
        (#"{"config":"x"}"#, "there is no setting 'config'."),
        (#"{"max-queue":"x"}"#, "'max-queue' in the configuration file is 'x': give a number from 0 to 1000000."),
        (#"{"max-queue":-1}"#, "Give --max-queue a number from 0 to 1000000."),
        (#"{"otlp-headers":"foo"}"#, "is not a list of NAME=VALUE"),
        (#"{"otlp-endpoint":"http://user:secret@h"}"#, "has no user name and no password"),
        (#"{"adaptive":"maybe"}"#, "'adaptive' in the configuration file is 'maybe': give 1 or 0."),
        (#"{"max-queue":1,"max-queue":2}"#, "give 'max-queue' once."),
        (#"{"max-queue":{}}"#, "give 'max-queue' a text, a number, true or false, or a list."),
        (#"{"models":["a,b"]}"#, "an entry of 'models' has a comma: 'a,b'."),
        (#"{"model":"a""#, "This one ends too early"),
        ("{\u{0}}", "Write the file in UTF-8: this is UTF-16 or UTF-32."),
        ("[]", "Write a JSON object."), ("", "Write a JSON object."),
    ]

    @Test(arguments: mistakes)
    func `says what is wrong with it`(text: String, words: String) async throws {
        try await Self.with(text) { file in
            let checked = try await Promptd.run(["config", "check", file])
            #expect(checked.status == 64 && checked.errors.contains(words), "\(checked.errors)")
            let served = try await Promptd.run(["serve", "--config", file])
            #expect(served.status == 64 && served.errors.contains(words), "\(served.errors)")
        }
    }

    @Test func `may have each setting, as text and as what it is`() async throws {
        let all = Setting.all
        #expect(
            all.count > 50 && Set(all.map(\.name)).count == all.count && Set(all.map(\.variable)).count == all.count)
        let right = #"{"max-queue":1000,"adaptive":true,"apis":["ollama","openai"],"model":null,"queue-timeout":"30s"}"#
        for right in [right, "\u{FEFF}" + right] {
            try await Self.with(right) { file in
                let checked = try await Promptd.run(["config", "check", file])
                #expect(checked.status == 0 && checked.output == "\(file) is right.\n")
            }
        }
        for unreadable in ["/nothing/there", "/tmp", "/dev/zero"] {
            let result = try await Promptd.run(["config", "check", unreadable])
            #expect(result.status == 64 && result.errors.contains("cannot be read"), "\(unreadable)")
        }
    }

    @Test func `is read again on SIGHUP`() async throws {
        try await Self.with(#"{"embedded":true,"api-keys":"one"}"#) { file in
            let (server, url) = try await Promptd.serve(["--config", file, "--max-in-flight", "3"])
            defer { server.end() }
            let before = try await Promptd.curl(url, "-H", "X-API-Key: two", "-d", "{}")
            #expect(before.contains("Send a valid API key"))
            try Data(#"{"embedded":true,"api-keys":"two","max-queue":5,"drain":"3s","max-in-flight":9}"#.utf8).write(
                to: URL(filePath: file))
            server.signal(SIGHUP)
            let line = try await server.line(with: "restart to use them")
            #expect(line.hasSuffix("settings=drain"))  // the flag precedes the other one
            let after = try await Promptd.curl(url, "-H", "X-API-Key: two", "-d", "{}")
            #expect(after.contains("You asked"))
            // Also what a restart would refuse first.
            for (number, wrong) in ["{", #"{"api-keys":"x","log-level":"loud"}"#, #"{"api-keys":"x","drain":"?"}"#]
                .enumerated()
            {
                try Data(wrong.utf8).write(to: URL(filePath: file))
                server.signal(SIGHUP)
                _ = try await server.line(with: "the previous settings stay in use", count: number + 1)
                let still = try await Promptd.curl(url, "-H", "X-API-Key: two", "-d", "{}")
                #expect(still.contains("You asked"))
            }
            try Data(#"{"embedded":true}"#.utf8).write(to: URL(filePath: file))
            server.signal(SIGHUP)
            _ = try await server.line(with: "no key is needed any more")
        }
    }

    @Test func `may change the log's level while the server runs`() async throws {
        func text(_ level: String) -> Data { Data(#"{"embedded":true,"log-level":"\#(level)"}"#.utf8) }
        try await Self.with(String(decoding: text("info"), as: UTF8.self)) { file in
            let (server, url) = try await Promptd.serve(["--config", file])
            defer { server.end() }
            for (number, level) in ["error", "info"].enumerated() {
                try text(level).write(to: URL(filePath: file))
                server.signal(SIGHUP)
                _ = try await server.line(with: "reloaded the settings", count: number + 1)
                #expect(!server.log.contains("prompt failed"))
                _ = try await Promptd.curl(url, "-d", #"{"prompt":5}"#)
            }
            _ = try await server.line(with: "prompt failed")
        }
    }

    @Test func `gives way to variables also where two settings say the same`() async throws {
        let keys = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try Data("in-file".utf8).write(to: URL(filePath: keys))
        defer { try? FileManager.default.removeItem(atPath: keys) }
        try await Self.with(#"{"listen":"127.0.0.1:1","api-key-file":"\#(keys)"}"#) { file in
            let flags = ["--config", file]
            #expect(try await Self.shown("listen", flags) == "127.0.0.1:1 file")
            #expect(try await Self.shown("port", flags) == "not used")
            let unused = "127.0.0.1:1 file, not used: another setting comes first"
            #expect(try await Self.shown("listen", flags + ["--port", "0"]) == unused)
            #expect(try await Self.shown("listen", flags, environment: ["PORT": "0"]) == unused)
            #expect(try await Self.shown("listen", [], environment: ["PORT": "0"]) == "not used")
            let listed = try await Self.shown(
                "port", flags, environment: ["PORT": "0", "LISTEN_ADDRESS": "127.0.0.1:2"])
            #expect(listed == "0 environment (PORT), not used: another setting comes first")
            let named = try await Self.shown("api-key-file", flags, environment: ["PROMPTD_API_KEYS": "a"])
            #expect(named == "\(keys) file, not used: another setting comes first")
            let (server, url) = try await Promptd.serve(
                ["--embedded", "--listen", "127.0.0.1:0"] + flags, environment: ["PROMPTD_API_KEYS": "in-variable"])
            defer { server.end() }
            for (key, isRight) in [("in-variable", true), ("in-file", false)] {
                let reply = try await Promptd.curl(url, "-H", "X-API-Key: \(key)", "-d", "{}")
                #expect(reply.contains("You asked") == isRight)
            }
        }
        try await Self.with(#"{"api-keys":"a","api-key-file":"\#(keys)"}"#) { file in
            let result = try await Promptd.run(["config", "check", file])
            #expect(result.status == 64 && result.errors.contains("give one of them"))
        }
    }

    @Test func `is one place for settings, and variables that are misspelt are told`() async throws {
        // Kubernetes sets the latter for a service that is called promptd.
        let variables = ["PROMPTD_MAX_QEUE": "5", "PROMPTD_SERVICE_HOST": "a", "PROMPTD_PORT": "tcp://a:1"]
        let (server, _) = try await Promptd.serve(["--embedded"], environment: variables)
        server.signal(SIGTERM)
        let log = try await server.finish().errors
        let warnings = log.split(separator: "\n").filter { $0.contains("no setting of promptd") }
        #expect(warnings.count == 1, "\(log)")
        #expect(log.contains("PROMPTD_MAX_QEUE is no setting of promptd: did you mean PROMPTD_MAX_QUEUE?"))
    }

    @Test func `is judged by itself`() async throws {
        try await Self.with(#"{"max-queue":"x"}"#) { file in
            let result = try await Promptd.run(["config", "check", file], environment: ["PROMPTD_MAX_QUEUE": "1"])
            #expect(result.status == 64 && result.errors.contains("'max-queue'"))
        }
        try await Self.with("{}") { file in
            let result = try await Promptd.run(["config", "check", file], environment: ["PROMPTD_MAX_QUEUE": "x"])
            #expect(result.status == 0)
        }
        // A pipe that nobody writes to must not be waited for.
        let pipe = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        defer { try? FileManager.default.removeItem(atPath: pipe) }
        let result = try await Promptd.run(["config", "check", pipe])
        #expect(result.status == 64)
    }
}
