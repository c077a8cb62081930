import Foundation
import TestSupport
import Testing

/// The command's other parts, and what it says of mistakes.
@Suite(.timeLimit(.minutes(1))) struct `The command` {
    @Test func `ask prints the answer, and probe tells the health by its exit status`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        let asked = try await Promptd.run(["ask", "eggs?", "--url", url])
        #expect(asked.status == 0)
        #expect(asked.output.hasSuffix("You asked: eggs?\n"))
        let missing = try await Promptd.run(["ask", "eggs?", "--url", url, "--model", "fault:missing"])
        #expect(missing.status == 1)
        #expect(missing.errors.contains("ollama pull fault:missing"))
        for check in ["liveness", "readiness"] {
            let probed = try await Promptd.run(["probe", check], environment: ["PROMPTD_URL": url])
            #expect(probed.status == 0)
        }
        let nobody = try await Promptd.run(["probe", "--url", "http://127.0.0.1:1"])
        #expect(nobody.status == 1)
        #expect(nobody.errors.contains("is the server running there?"))
    }

    @Test func `ask sends the API key`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"], environment: ["PROMPTD_API_KEYS": "ant"])
        defer { server.end() }
        let none = try await Promptd.run(["ask", "eggs?", "--url", url])
        #expect(none.status == 1 && none.errors.contains("Send a valid API key"))
        let flag = try await Promptd.run(["ask", "eggs?", "--url", url, "--api-key", "ant"])
        let variable = try await Promptd.run(["ask", "eggs?", "--url", url], environment: ["PROMPTD_API_KEY": "ant"])
        for asked in [flag, variable] { #expect(asked.status == 0 && asked.output.hasSuffix("You asked: eggs?\n")) }
    }

    @Test func `a port that is taken is told with the flag that helps`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        let port = try #require(url.split(separator: ":").last)
        for arguments in [["--listen", "127.0.0.1:\(port)"], ["--address", "127.0.0.1", "--port", "\(port)"]] {
            let second = try await Promptd.run(["--embedded"] + arguments)
            #expect(second.status == 1)
            #expect(second.errors.contains("Address already in use") && second.errors.contains("--port"))
        }
    }

    static let mistakes: [(arguments: [String], environment: [String: String], words: [String])] = [
        (["--ca-file", "/nothing/there"], [:], ["/nothing/there", "No such file", "--ca-file"]),
        (["--client-cert", "a"], [:], ["--client-cert", "--client-key"]),
        (
            ["--client-cert", "/etc/hostname", "--client-key", "b"], [:],
            ["'/etc/hostname' cannot be used", "--client-cert"]
        ),
        (["--openai-base-url", "http://a/v1,a:8000"], [:], ["Address 2 of 2: OPENAI_BASE_URL has no scheme"]),
        ([], ["OPENAI_BASE_URL": "http://a/v1", "OPENAI_API_KEY": "a\nb"], ["OPENAI_API_KEY has a control character"]),
        (
            ["--apis", "ollama", "--allow-model-changes"], ["OLLAMA_HOST": "a", "OPENAI_BASE_URL": "http://b/v1"],
            ["Give one Ollama only"]
        ),
        ([], ["OLLAMA_HOST": "ftp://example.com"], ["OLLAMA_HOST"]),
        ([], ["OLLAMA_API_KEY": "key\r\nX-Other: 1"], ["OLLAMA_API_KEY", "control character"]),
        ([], ["PROMPTD_MAX_IN_FLIGHT": "many"], ["PROMPTD_MAX_IN_FLIGHT", "many", "number"]),
        (["--max-in-flight", "-1"], [:], ["--max-in-flight"]),
        ([], ["PORT": "http"], ["PORT", "http"]),
        (["--port", "99999"], [:], ["--port"]),
        (["--listen", "nonsense"], [:], ["--listen", "nonsense"]),
        ([], ["LISTEN_ADDRESS": "1.2.3.4"], ["--listen"]),
        ([], ["PROMPTD_FIRST_TOKEN_TIMEOUT": "soon"], ["PROMPTD_FIRST_TOKEN_TIMEOUT", "500ms"]),
        (["--drain", "5"], [:], ["--drain", "500ms"]),
        (["--max-body-bytes", "5x"], [:], ["--max-body-bytes", "64KiB"]),
        (["--max-body-bytes", "8589934592GiB"], [:], ["--max-body-bytes", "64KiB"]),
        ([], ["PROMPTD_API_KEYS": ""], ["PROMPTD_API_KEYS", "unset it"]),
        (["--api-key-file", "/no/such/file"], [:], ["--api-key-file", "cannot be read"]),
        ([], ["ADDRESS": "tcp://10.0.0.1:80"], ["ADDRESS", "tcp://10.0.0.1:80", "Kubernetes", "--address"]),
        ([], ["PORT": "tcp://10.0.0.1:80"], ["PORT", "tcp://10.0.0.1:80", "a port"]),
        ([], ["PROMPTD_EMBEDDED": "maybe"], ["PROMPTD_EMBEDDED", "1 or 0"]),
        (["--log-level", "loud"], [:], ["--log-level", "debug"]),
        (["--max-connections", "0"], [:], ["--max-connections"]),
        (["--reserved-connections", "-1"], [:], ["--reserved-connections"]),
        ([], ["PROMPTD_MAX_CONNECTIONS_PER_ADDRESS": "few"], ["PROMPTD_MAX_CONNECTIONS_PER_ADDRESS", "few", "number"]),
        (["--grace", "30s"], [:], ["--grace", "--drain"]),
        ([], ["PROMPTD_GRACE": "soon"], ["PROMPTD_GRACE", "500ms"]),
        (["ask", "x", "--url", "example.com"], [:], ["--url"]),
        (["ask", "x"], ["PROMPTD_API_KEY": "a\r\nb"], ["API key", "line ends"]),
        (["--cors-origins", "example.com"], [:], ["example.com", "https://example.com"]),
        (["--no-such-flag"], [:], ["--no-such-flag"]),
    ]

    @Test(arguments: mistakes.indices)
    func `a mistake is told with the flag and the fix`(index: Int) async throws {
        let mistake = Self.mistakes[index]
        let result = try await Promptd.run(mistake.arguments, environment: mistake.environment)
        #expect(result.status != 0)
        for word in mistake.words { #expect(result.errors.contains(word), "\(result.errors)") }
    }

    @Test func `help and version are there`() async throws {
        let version = try await Promptd.run(["--version"])
        #expect(version.output.split(separator: ".").count == 3)
        for command in [[], ["serve"], ["stand-in"], ["ask"], ["probe"], ["load"]] {
            let help = try await Promptd.run(command + ["--help"])
            #expect(help.status == 0 && help.output.contains("USAGE:"))
        }
        let completion = try await Promptd.run(["--generate-completion-script", "bash"])
        #expect(completion.status == 0 && completion.output.contains("complete"))
    }
}
