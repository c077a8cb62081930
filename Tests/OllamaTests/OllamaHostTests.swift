import Ollama
import TestSupport
import Testing

@Suite struct OllamaHostTests {
    /// The values of Ollama's own tests, in Go and Python, and what promptd connects to.
    @Test(arguments: [
        ("", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":56789", "http://127.0.0.1:56789"),
        ("1.2.3.4:56789", "http://1.2.3.4:56789"),
        ("http://1.2.3.4", "http://1.2.3.4:80"),
        ("https://1.2.3.4", "https://1.2.3.4:443"),
        ("https://1.2.3.4:56789", "https://1.2.3.4:56789"),
        ("example.com", "http://example.com:11434"),
        ("example.com:56789", "http://example.com:56789"),
        ("http://example.com", "http://example.com:80"),
        ("https://example.com", "https://example.com:443"),
        ("https://example.com:56789", "https://example.com:56789"),
        ("example.com/", "http://example.com:11434"),
        ("example.com:56789/", "http://example.com:56789"),
        ("example.com/path", "http://example.com:11434/path"),
        ("example.com:56789/path", "http://example.com:56789/path"),
        ("https://example.com:56789/path", "https://example.com:56789/path"),
        ("example.com:56789/path/", "http://example.com:56789/path"),
        ("[0001:002:003:0004::1]", "http://[0001:002:003:0004::1]:11434"),
        ("[0001:002:003:0004::1]:56789", "http://[0001:002:003:0004::1]:56789"),
        ("http://[0001:002:003:0004::1]", "http://[0001:002:003:0004::1]:80"),
        ("https://[0001:002:003:0004::1]", "https://[0001:002:003:0004::1]:443"),
        ("https://[0001:002:003:0004::1]:56789", "https://[0001:002:003:0004::1]:56789"),
        ("[0001:002:003:0004::1]/", "http://[0001:002:003:0004::1]:11434"),
        ("[0001:002:003:0004::1]:56789/", "http://[0001:002:003:0004::1]:56789"),
        ("[0001:002:003:0004::1]/path", "http://[0001:002:003:0004::1]:11434/path"),
        ("[0001:002:003:0004::1]:56789/path", "http://[0001:002:003:0004::1]:56789/path"),
        ("https://[0001:002:003:0004::1]:56789/path", "https://[0001:002:003:0004::1]:56789/path"),
        ("[0001:002:003:0004::1]:56789/path/", "http://[0001:002:003:0004::1]:56789/path"),
        (":1234", "http://127.0.0.1:1234"),
        ("1.2.3.4:1234", "http://1.2.3.4:1234"),
        ("example.com:1234", "http://example.com:1234"),
        (":0", "http://127.0.0.1:11434"),
        (":66000", "http://127.0.0.1:11434"),
        (":-1", "http://127.0.0.1:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::]", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:1337", "http://[::1]:1337"),
        (" 1.2.3.4 ", "http://1.2.3.4:11434"),
        ("\"1.2.3.4\"", "http://1.2.3.4:11434"),
        (" \" 1.2.3.4 \" ", "http://1.2.3.4:11434"),
        ("'1.2.3.4'", "http://1.2.3.4:11434"),
        ("http://1.2.3.4:4321", "http://1.2.3.4:4321"),
        ("https://1.2.3.4:4321", "https://1.2.3.4:4321"),
        ("https://example.com/ollama", "https://example.com:443/ollama"),
        ("ollama.com", "https://ollama.com:443"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("127.0.0.1:1234", "http://127.0.0.1:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("[::]:1234", "http://[::1]:1234"),
        ("[::1]:1234", "http://[::1]:1234"),
        ("192.168.1.5", "http://192.168.1.5:11434"),
        ("192.168.1.5:8080", "http://192.168.1.5:8080"),
        ("https://0.0.0.0:4321", "https://127.0.0.1:4321"),
        ("11434", "http://127.0.0.1:11434"),
        ("localhost", "http://localhost:11434"),
        ("http://localhost", "http://localhost:80"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
    ])
    func `a value of Ollama's own tests means what it means there`(_ value: String, _ url: String) throws {
        #expect(try OllamaHost(parsing: value).url == url)
    }

    /// What no test of Ollama's covers.
    @Test(arguments: [
        ("HTTPS://Example.COM:0443/Path", "https://example.com:443/Path"),
        ("http://", "http://127.0.0.1:80"),
        ("http:1234", "http://http:1234"),
        ("example.com:", "http://example.com:11434"),
        ("Ollama.com/", "https://ollama.com:443"),
        ("http://ollama.com", "http://ollama.com:80"),
        ("my_ollama-1.svc:1", "http://my_ollama-1.svc:1"),
        ("http://11434", "http://127.0.0.1:11434"),
        ("65535", "http://127.0.0.1:65535"),
        ("[0:0:0:0:0:0:0:0]:1", "http://[::1]:1"),
        ("::FFFF:1.2.3.4", "http://[::ffff:1.2.3.4]:11434"),
        ("[fe80::1%eth0]:1", "http://[fe80::1%25eth0]:1"),
        ("http://[fe80::1%25eth0]", "http://[fe80::1%25eth0]:80"),
        ("example.com/a//b//", "http://example.com:11434/a//b"),
        ("\t'http://example.com/'\r\n", "http://example.com:80"),
    ])
    func `other values mean what one expects`(_ value: String, _ url: String) throws {
        #expect(try OllamaHost(parsing: value).url == url)
    }

    @Test func `no value means the default`() throws {
        #expect(try OllamaHost(parsing: nil).url == "http://127.0.0.1:11434")
    }

    @Test(arguments: [
        ("ftp://example.com", OllamaHostError.scheme),
        ("://example.com", .scheme),
        ("http:/example.com", .scheme),
        ("https:/", .scheme),
        ("user@example.com", .userInfo),
        ("http://user:secret@example.com", .userInfo),
        ("http://[::1]@example.com", .userInfo),
        ("example.com?a", .queryOrFragment),
        ("http://example.com/#a", .queryOrFragment),
        ("exam ple.com", .characters),
        ("example.com/a b", .characters),
        ("example.com\0", .characters),
        ("example.com/\"/", .characters),
        ("'a'b'", .characters),
        ("a\r\nHost: b", .characters),
        ("b\u{FC}cher.example", .characters),
        ("example.com/\u{7F}", .characters),
        ("exa,mple.com", .name),
        ("a\\b:1", .name),
        ("%6c", .name),
        ("a[::1]", .address),
        ("[::1", .address),
        ("[::1]1234", .address),
        ("[]", .address),
        ("[example.com]", .address),
        ("[1.2.3.4]:1", .address),
        ("example.com:1:2", .address),
        ("::g", .address),
        ("[::1%a]b]", .address),
        ("[::1%]", .address),
        ("fe80::1%eth0:80", .address),
    ])
    func `a value that nobody can connect to is refused`(_ value: String, _ error: OllamaHostError) {
        #expect(throws: error) { try OllamaHost(parsing: value) }
        let text = error.description
        #expect(text.hasPrefix("OLLAMA_HOST ") && text.hasSuffix(".") && !text.contains("secret"))
    }

    @Test(arguments: [
        (":0", "0"), (":66000", "66000"), (":-1", "-1"), ("a:+80", "+80"), ("a:80x", "80x"), ("0", "0"),
        ("a:99999999999999999999", "99999999999999999999"),
    ])
    func `a port that is none is replaced with a warning`(_ value: String, _ port: String) throws {
        let (host, warning) = try OllamaHost.parse(value)
        #expect(host.port == 11434)
        #expect(warning == "The port '\(port)' in OLLAMA_HOST is not valid: 11434 is used instead.")
    }

    @Test(arguments: [nil, "", "a:", "a:1", "https://a/b", "ollama.com"])
    func `a good value has no warning`(_ value: String?) throws {
        #expect(try OllamaHost.parse(value).warning == nil)
    }

    @Test func `the default port is that of the scheme`() throws {
        let (host, warning) = try OllamaHost.parse("https://a:0")
        #expect(host.port == 443 && warning?.contains("443") == true)
    }

    @Test(arguments: [
        ("", "127.0.0.1:11434"), ("http://example.com", "example.com"), ("http://example.com:443", "example.com:443"),
        ("https://example.com/path", "example.com"), ("[::1]", "[::1]:11434"), ("http://[fe80::1%eth0]", "[fe80::1]"),
    ])
    func `the Host field names the port unless it is the scheme's`(_ value: String, _ field: String) throws {
        #expect(try OllamaHost(parsing: value).hostHeader == field)
    }

    @Test func `an IPv6 address has no brackets`() throws {
        let host = try OllamaHost(parsing: "[::1]:7/x")
        #expect(host.isIPv6Literal && host.host == "::1" && host.port == 7 && host.path == "/x" && host.scheme == .http)
        #expect(try !OllamaHost(parsing: "1.2.3.4:7").isIPv6Literal)
    }

    @Test(.seeded) func `random values do not make it trap, and a URL means itself`() {
        var random = SeededRandom(3)
        let pieces =
            ["http", "https", "://", ":", "/", "[", "]", "::", "%", "25", "@", "?", "0", "65536", "a", ".", "\"", " "]
            + ["\u{301}"]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...8, using: &random)
            let value = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            guard let host = try? OllamaHost(parsing: value) else { continue }
            #expect(host.port > 0 && !host.host.isEmpty && !host.path.hasSuffix("/"), "\(value)")
            #expect((try? OllamaHost(parsing: host.url)) == host, "\(value)")
        }
    }
}
