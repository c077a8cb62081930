import Foundation
import TestSupport
import Testing

/// `promptd ask` and `promptd chat`.
@Suite(.timeLimit(.minutes(1))) struct `Asking from the command line` {
    private static let said = "No model is behind this answer: it comes from promptd's stand-in for Ollama. You asked: "

    /// Runs a line of the shell, in which `$promptd` is the command.
    private static func shell(_ line: String, _ url: String) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        try await Command.run(
            "/bin/sh", ["-c", line], environment: ["promptd": Promptd.path, "PROMPTD_URL": url])
    }

    @Test func `takes the prompt from standard input, and prints it as it comes`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        for (line, question) in [
            ("echo eggs | $promptd ask", "eggs"), ("printf 'a\\nb' | $promptd ask -", "a\nb"),
            ("$promptd ask --stream eggs </dev/null", "eggs"), ("$promptd ask --no-stream eggs", "eggs"),
        ] {
            let asked = try await Self.shell(line, url)
            #expect(asked.status == 0 && asked.output == Self.said + question + "\n", "\(line)")
        }
        for (line, words) in [
            ("$promptd ask </dev/null", "Standard input is empty"),
            ("script -qec \"$promptd ask\" /dev/null </dev/null", "There is no prompt"),
        ] {
            let asked = try await Self.shell(line, url)
            #expect(asked.status == 64 && (asked.output + asked.errors).contains(words), "\(line)")
        }
    }

    @Test func `fails when the answer cannot be written`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        for line in ["ask x", "ask --stream x"] {
            let asked = try await Self.shell("$promptd \(line) >/dev/full", url)
            #expect(asked.status == 1 && asked.errors.contains("could not be written"), "\(line): \(asked)")
        }
    }

    @Test func `says how long it took, on standard error`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--token-interval", "1ms"])
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let asked = try await Self.shell("$promptd ask --stats 'one two'", url)
        #expect(asked.output == Self.said + "one two\n")
        let form = /(\d+) tokens in [\d.e-]+ s, 1 tokens of prompt, first token after [\d.e-]+ s, [\d.]+ tokens\/s\n/
        #expect(asked.errors.wholeMatch(of: form)?.1 == "18", "\(asked.errors)")
    }

    static let failures: [(model: String, output: String, words: String)] = [
        ("fault:missing", "", "promptd answered 404: Ollama does not have the model"),
        ("fault:cut", " one two three\n", "the answer broke off: Ollama's response was cut off."),
        (
            "fault:failing", " one two three\n",
            "the answer broke off: Ollama failed while it was answering: unexpected EOF."
        ),
    ]

    @Test(arguments: failures)
    func `fails visibly when the answer is not whole`(model: String, output: String, words: String) async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        let asked = try await Self.shell("$promptd ask --stream x --model \(model)", url)
        #expect(asked.status == 1 && asked.output == output && asked.errors.contains(words), "\(asked)")
        // What is printed as a whole must be whole.
        let whole = try await Self.shell("$promptd ask --stats x --model \(model)", url)
        #expect(whole.status == 1 && whole.output.isEmpty && whole.errors.contains(words), "\(whole)")
    }

    @Test func `streams on a terminal`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--token-interval", "1h"])
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let asked = try Command(
            "/usr/bin/script", ["-qefc", "\(Promptd.path) ask x", "/dev/null"], environment: ["PROMPTD_URL": url])
        defer { asked.end() }
        // The first token is there, though the next comes in an hour.
        try await asked.untilOutput("No")
    }

    @Test func `holds a conversation`() async throws {
        let server = try RawServer()
        let wanted = [
            #"[{"role":"system","content":"S"}],"prompt":"one""#,
            #"[{"role":"system","content":"S"},{"role":"user","content":"one"},"#
                + #"{"role":"assistant","content":"answer 0"}],"prompt":"/two\nmore","model":"m2""#,
            #"[{"role":"system","content":"S"}],"prompt":"three","model":"m2""#,
        ]
        async let peers = server.play(
            wanted.enumerated().map { number, want in
                { peer in
                    let (_, body) = try peer.receiveRequest()
                    #expect(String(decoding: body, as: UTF8.self) == #"{"messages":\#(want),"stream":true}"#)
                    let line = #"{"message":{"content":"answer \#(number)"},"done":true}"#
                    try peer.send(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n\(line)\n")
                    peer.close()
                }
            })
        let chat = try await Self.shell(
            #"printf 'one\n/model m2\n\n//two\\\nmore\n/clear\nthree\n/bye\nfour\n' | $promptd chat --system S"#,
            "http://127.0.0.1:\(server.port)")
        #expect(chat.status == 0 && chat.output == "answer 0\nanswer 1\nanswer 2\n", "\(chat)")
        _ = try await peers
        // A script must notice that its message was not sent.
        let unknown = try await Self.shell("echo /help | $promptd chat", "http://127.0.0.1:\(server.port)")
        #expect(unknown.status == 1 && unknown.errors.contains("Give /clear, /model NAME or /bye"))
    }
}
