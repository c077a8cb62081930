import Foundation
import TestSupport
import Testing

/// `OLLAMA_HOST` with several addresses, and the file of API keys, by the command.
@Suite(.timeLimit(.minutes(1))) struct `Several hosts and keys` {
    @Test func `several Ollamas are asked, and each address counts once`() async throws {
        let (one, first) = try await Promptd.standIn()
        let (two, second) = try await Promptd.standIn()
        let list = "\(first), http://\(second)/,http://\(first) ,"
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": list])
        defer { [one, two, server].forEach { $0.end() } }
        let line = try await server.line(with: "serving prompts")
        #expect(Promptd.field("ollama", of: line) == "http://\(first),http://\(second)")
        // Where the first is gone the second answers.
        one.end()
        for _ in 0..<3 {
            let answer = try await Promptd.curl(url, "-d", #"{"prompt":"eggs"}"#)
            #expect(answer.hasSuffix("You asked: eggs"))
        }
    }

    @Test func `a server with OpenAI's API is asked alone, and beside an Ollama`() async throws {
        let (standIn, address) = try await Promptd.standIn()
        defer { standIn.end() }
        for ollama in [[:], ["OLLAMA_HOST": "127.0.0.1:1"]] {
            let environment = ollama.merging(["OPENAI_BASE_URL": "http://\(address)/v1"]) { $1 }
            let (server, url) = try await Promptd.serve(environment: environment)
            defer { server.end() }
            let line = try await server.line(with: "serving prompts")
            #expect(Promptd.field("openai", of: line) == "http://\(address)/v1")
            #expect(line.contains("ollama=") == !ollama.isEmpty)
            if ollama.isEmpty { _ = try await server.line(with: "which is a name of Ollama's: give --model") }
            for _ in 0..<3 {
                let answer = try await Promptd.curl(url, "-d", #"{"prompt":"eggs"}"#)
                #expect(answer.hasSuffix("You asked: eggs"))
            }
        }
    }

    @Test(arguments: [
        ("127.0.0.1:1,user@example.com", "contains a user name"),
        ("127.0.0.1:1,ftp://example.com", "no valid scheme"),
        ("127.0.0.1:1,ex ample", "spaces"),
    ])
    func `one bad address of several is an error that tells which`(list: String, words: String) async throws {
        for arguments in [["serve"], ["serve", "--ollama-host", list]] {
            let environment = arguments.count == 1 ? ["OLLAMA_HOST": list] : [:]
            let result = try await Promptd.run(arguments + ["--listen", "127.0.0.1:0"], environment: environment)
            #expect(result.status != 0 && result.errors.contains(words), "\(result)")
            #expect(result.errors.contains("Address 2 of 2: "), "\(result)")
        }
    }

    @Test func `SIGHUP has the keys read again, and a broken file keeps those of before`() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data("# ours\nant\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let (server, url) = try await Promptd.serve(["--embedded", "--api-key-file", file.path])
        defer { server.end() }
        func status(_ key: String) async throws -> String {
            try await Promptd.curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "X-API-Key: \(key)", url, "-d", "{}")
        }
        #expect(try await status("ant") == "200")
        #expect(try await status("bee") == "401")
        try Data("bee\r\n".utf8).write(to: file)
        server.signal(SIGHUP)
        _ = try await server.line(with: "reloaded the settings")
        #expect(try await status("ant") == "401")
        #expect(try await status("bee") == "200")
        for (number, broken) in ["# nobody\n", "two words\n", nil].enumerated() {
            if let broken {
                try Data(broken.utf8).write(to: file)
            } else {
                try FileManager.default.removeItem(at: file)
            }
            server.signal(SIGHUP)
            _ = try await server.line(with: "the previous settings stay in use", count: number + 1)
            #expect(try await status("bee") == "200")
            #expect(try await status("ant") == "401")
        }
        #expect(!server.log.contains("two words"))
    }
}
