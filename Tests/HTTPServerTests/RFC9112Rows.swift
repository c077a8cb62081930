/// RFC 9112, "HTTP/1.1": how a message is written. The limits are those of `WireCheck`.
///
/// Where the RFC lets a server choose, or asks for something by SHOULD that promptd does not do, the reason is given
/// above the row.
enum RFC9112 {
    static let rows = lines + versions + targets + fields + bodies + chunks + connections

    // MARK: 2.2 and 3, lines

    private static let lines: [WireRow] = [
        WireRow("9112 2.1", "a request is a line, fields, an empty line", head("GET / HTTP/1.1", "Host: a"), .ok()),
        WireRow("9112 2.2", "an empty line before a request is skipped", "\r\n\r\n" + get(), .ok()),
        WireRow(
            "9112 2.2", "an empty line behind a request is skipped", get() + "\r\n" + get(), .all(.ok(), .ok())),
        WireRow("9112 2.2", "no more than 16 are", String(repeating: "\r\n", count: 17) + get(), .refused(400)),
        // A server may take a bare LF for a line end. Others do not, and would see another request.
        WireRow("9112 2.2", "a bare LF is no line end", "GET / HTTP/1.1\nHost: a\n\n", .refused(400)),
        WireRow("9112 2.2", "nor between fields", "GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n", .refused(400)),
        WireRow("9112 2.2", "nor at the end of a head", "GET / HTTP/1.1\r\nHost: a\r\n\n", .refused(400)),
        WireRow("9112 2.2", "nor before a request", "\n" + get(), .refused(400)),
        WireRow("9112 2.2", "a bare CR is invalid", "GET / HTTP/1.1\r\nHost: a\rA: b\r\n\r\n", .refused(400)),
        WireRow("9112 2.2", "also before a line end", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", .refused(400)),
        WireRow("9112 2.2", "also before a name", "GET / HTTP/1.1\r\nHost: a\r\n\rA: b\r\n\r\n", .refused(400)),
        WireRow("9112 2.2", "also before a request", "\r" + get(), .refused(400)),
        WireRow("9112 2.2", "also in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        WireRow("9112 2.2", "space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .refused(400)),
        WireRow("9112 2.2", "a tab there", "GET / HTTP/1.1\r\n\tA: b\r\nHost: a\r\n\r\n", .refused(400)),
        WireRow("9112 2.2", "what is no HTTP is answered 400", "{\"prompt\":\"hello\"}\r\n\r\n", .refused(400)),
        WireRow("9112 2.2", "TLS is no HTTP", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{FC}\u{3}\u{3}", .refused(400)),
        WireRow("9112 3", "one space between the parts", head("GET  / HTTP/1.1", "Host: a"), .refused(400)),
        WireRow("9112 3", "also before the version", head("GET /  HTTP/1.1", "Host: a"), .refused(400)),
        WireRow("9112 3", "a tab is no space", head("GET\t/ HTTP/1.1", "Host: a"), .refused(400)),
        WireRow("9112 3", "nor a form feed", head("GET\u{C}/ HTTP/1.1", "Host: a"), .refused(400)),
        WireRow("9112 3", "nothing before the method", " " + get(), .refused(400)),
        WireRow("9112 3", "nothing behind the version", head("GET / HTTP/1.1 ", "Host: a"), .refused(400)),
        WireRow("9112 3", "a version is needed", head("GET /", "Host: a"), .refused(400)),
        WireRow("9112 3", "an empty version is none", head("GET / ", "Host: a"), .refused(400)),
        WireRow("9112 3", "a target is needed", head("GET HTTP/1.1", "Host: a"), .refused(400)),
        WireRow("9112 3", "a method alone is no request", "GET\r\n\r\n", .refused(400)),
        WireRow("9112 3", "nothing else is in the line", head("Extra lineGET / HTTP/1.1", "Host: a"), .refused(400)),
        WireRow("9112 3.1", "a method is a token", head("G(T / HTTP/1.1", "Host: a"), .refused(400)),
        // 501 is a SHOULD for methods that are unknown. 405 tells what is allowed, and balancers that count 5xx as
        // failures do not count it against the server.
        WireRow("9112 3.1", "methods are in capitals", request("get"), .refused(405, allowed)),
        WireRow("9112 3", "a long target is answered 414", "GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n", .refused(414)),
        WireRow("9112 3", "also in an endless line", "POST /\(long)\(long)", .refused(414)),
        WireRow("9112 3", "also to HEAD", "HEAD /\(long) HTTP/1.1\r\nHost: a\r\n\r\n", .refusedHead(414)),
        WireRow("9112 3", "a long method is answered 431", long + " / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(431)),
    ]

    private static let allowed = ["Allow": "GET, HEAD, OPTIONS, POST"]
    private static let long = String(repeating: "a", count: 512)

    // MARK: 2.3, versions

    private static let versions: [WireRow] = [
        WireRow("9112 2.3", "HTTP/1.0 needs no Host", head("GET / HTTP/1.0"), .closing()),
        // RFC 9110, 2.5 would have HTTP/1.2 read as HTTP/1.1. There is no such version: who sends it probes, and what
        // stands before the server may have read it otherwise.
        WireRow("9110 2.5", "HTTP/1.2 does not exist", head("GET / HTTP/1.2", "Host: a"), .refused(505)),
        WireRow("9110 15.6.6", "HTTP/2.0 is answered 505", head("GET / HTTP/2.0", "Host: a"), .refused(505)),
        WireRow("9110 15.6.6", "HTTP/3.0 is answered 505", head("GET / HTTP/3.0", "Host: a"), .refused(505)),
        WireRow("9110 15.6.6", "HTTP/9.9 is answered 505", head("GET / HTTP/9.9", "Host: a"), .refused(505)),
        WireRow("9110 15.6.6", "HTTP/0.9 is answered 505", head("GET / HTTP/0.9", "Host: a"), .refused(505)),
        WireRow("9110 15.6.6", "to HEAD without a body", head("HEAD / HTTP/2.0", "Host: a"), .refusedHead(505)),
        WireRow("9113 3.4", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .refused(505)),
        WireRow("9112 2.3", "each number is one digit", head("GET / HTTP/1.10", "Host: a"), .refused(400)),
        WireRow("9112 2.3", "also the first", head("GET / HTTP/01.1", "Host: a"), .refused(400)),
        WireRow("9112 2.3", "both are there", head("GET / HTTP/1", "Host: a"), .refused(400)),
        WireRow("9112 2.3", "with a dot", head("GET / HTTP/1,1", "Host: a"), .refused(400)),
        WireRow("9112 2.3", "numbers are not negative", head("GET / HTTP/1.-1", "Host: a"), .refused(400)),
        WireRow("9112 2.3", "the name is in capitals", head("GET / http/1.1", "Host: a"), .refused(400)),
        WireRow("9112 2.3", "another protocol", head("GET / ICY/1.1", "Host: a"), .refused(400)),
    ]

    // MARK: 3.2, targets and Host

    private static let targets: [WireRow] = [
        WireRow("9112 3.2", "no Host", head("GET / HTTP/1.1"), .refused(400)),
        WireRow("9112 3.2", "two Hosts", head("GET / HTTP/1.1", "Host: a", "Host: b"), .refused(400)),
        WireRow("9112 3.2", "two equal Hosts", head("GET / HTTP/1.1", "Host: a", "host: a"), .refused(400)),
        WireRow("9112 3.2", "two Hosts in HTTP/1.0", head("GET / HTTP/1.0", "Host: a", "Host: a"), .refused(400)),
        WireRow("9112 3.2", "a Host may be empty", head("GET / HTTP/1.1", "Host:"), .ok()),
        WireRow("9110 7.2", "with a port", head("GET / HTTP/1.1", "hOsT:\ta.b-c:8080 "), .ok()),
        WireRow("9110 7.2", "an empty port", head("GET / HTTP/1.1", "Host: a:"), .ok()),
        WireRow("9110 7.2", "IPv6", head("GET / HTTP/1.1", "Host: [2001:db8::1]:8080"), .ok()),
        WireRow("9110 7.2", "IPv6 without port", head("GET / HTTP/1.1", "Host: [::1]"), .ok()),
        WireRow("9110 7.2", "half a bracket", head("GET / HTTP/1.1", "Host: [::1"), .refused(400)),
        WireRow("9110 7.2", "IPv6 without brackets", head("GET / HTTP/1.1", "Host: ::1"), .refused(400)),
        WireRow("9110 7.2", "a space", head("GET / HTTP/1.1", "Host: a b"), .refused(400)),
        WireRow("9110 7.2", "a user", head("GET / HTTP/1.1", "Host: user@a"), .refused(400)),
        WireRow("9110 7.2", "a scheme", head("GET / HTTP/1.1", "Host: http://a"), .refused(400)),
        WireRow("9110 7.2", "a path", head("GET / HTTP/1.1", "Host: a/b"), .refused(400)),
        WireRow("9110 7.2", "two ports", head("GET / HTTP/1.1", "Host: a:80:80"), .refused(400)),
        WireRow("9110 7.2", "a port that is no number", head("GET / HTTP/1.1", "Host: a:x"), .refused(400)),
        WireRow("9110 7.2", "a list", head("GET / HTTP/1.1", "Host: a, b"), .refused(400)),
        WireRow("9110 7.2", "bytes beyond ASCII", head("GET / HTTP/1.1", "Host: \u{E9}"), .refused(400)),
        WireRow("9112 3.2.1", "origin form", get("/health/liveness?a=b"), .ok("Alive")),
        WireRow("9112 3.2.1", "a second slash is a path", get("//health/liveness"), .ok()),
        WireRow("9112 3.2.1", "it begins with a slash", get("health"), .refused(400)),
        // 400 is a SHOULD for bytes that no URI has. Clients send them all the same, and no one reads them otherwise.
        WireRow("9112 3.2", "bytes that need no escape", get("/?\"<>\\^`{|}%\u{FC}"), .ok()),
        WireRow("9112 3.2", "a space in a target", get("/a b"), .refused(400)),
        WireRow("9112 3.2", "NUL in a target", get("/a\0b"), .refused(400)),
        WireRow("9112 3.2", "DEL in a target", get("/\u{7F}"), .refused(400)),
        WireRow("9112 3.2", "a fragment", get("/#top"), .refused(400)),
        WireRow("9112 3.2", "a fragment in absolute form", get("http://a/#top"), .refused(400)),
        WireRow("9112 3.2.2", "absolute form", get("http://a/health/liveness"), .ok("Alive")),
        WireRow(
            "9112 3.2.2", "any host and port, and a query", get("HTTPS://[::1]:8443/health/liveness?x"), .ok("Alive")),
        WireRow("9112 3.2.2", "without a path", get("http://a"), .ok()),
        WireRow("9112 3.2.2", "a query without a path", get("http://a?/health/liveness"), .ok()),
        WireRow(
            "9112 3.2.2", "Host is ignored", head("GET http://b/health/liveness HTTP/1.1", "Host: a"), .ok("Alive")),
        WireRow("9112 3.2", "but needed", head("GET http://b/ HTTP/1.1"), .refused(400)),
        WireRow("9112 3.2", "and valid", head("GET http://b/ HTTP/1.1", "Host: a b"), .refused(400)),
        WireRow("9112 3.2", "and one", head("GET http://b/ HTTP/1.1", "Host: a", "Host: b"), .refused(400)),
        WireRow("9112 3.2.2", "in HTTP/1.0", head("GET http://b/health/liveness HTTP/1.0"), .closing("Alive")),
        WireRow("9110 4.2.1", "no host", get("http:///a"), .refused(400)),
        WireRow("9110 4.2.1", "a port alone", get("http://:80/a"), .refused(400)),
        WireRow("9110 4.2.4", "a user in a target", get("http://user@a/"), .refused(400)),
        WireRow("3986 3.1", "a scheme begins with a letter", get("1http://a/"), .refused(400)),
        WireRow("3986 3.1", "a scheme has no underscore", get("ht_tp://a/"), .refused(400)),
        WireRow("9112 3.2.3", "authority form is for CONNECT", get("a:80"), .refused(400)),
        WireRow("9112 3.2.3", "CONNECT", head("CONNECT a:80 HTTP/1.1", "Host: a:80"), .refused(405, allowed)),
        WireRow("9112 3.2.4", "asterisk form is for OPTIONS", get("*"), .refused(400)),
        WireRow("9112 3.2.4", "asterisk form", request("OPTIONS", "*"), .all(.options)),
        WireRow("9112 3.2.4", "two asterisks", request("OPTIONS", "**"), .refused(400)),
    ]

    // MARK: 5, fields

    private static let fields: [WireRow] = [
        WireRow("9112 5", "an empty value", get("/", "A:", "B: \t "), .ok()),
        WireRow("9112 5", "space around a value", get("/", "A: \t b \t"), .ok()),
        WireRow("9110 5.1", "any token is a name", get("/", "!#$%&'*+-.^_`|~09: a"), .ok()),
        WireRow("9110 5.5", "bytes beyond ASCII, and a tab", get("/", "A: b\t\u{FC}\u{FF}"), .ok()),
        WireRow("9112 5.1", "space before a colon", get("/", "A : b"), .refused(400)),
        WireRow("9112 5.1", "a tab before a colon", get("/", "A\t: b"), .refused(400)),
        WireRow("9112 5", "no colon", get("/", "nonsense"), .refused(400)),
        WireRow("9112 5", "no name", get("/", ": a"), .refused(400)),
        WireRow("9110 5.1", "a space in a name", get("/", "A b: c"), .refused(400)),
        WireRow("9110 5.1", "parentheses in a name", get("/", "A(b): c"), .refused(400)),
        WireRow("9110 5.1", "brackets in a name", get("/", "A[]: c"), .refused(400)),
        WireRow("9110 5.1", "NUL in a name", get("/", "A\0: c"), .refused(400)),
        WireRow("9110 5.1", "bytes beyond ASCII in a name", get("/", "\u{E4}: c"), .refused(400)),
        WireRow("9112 5.2", "a folded line", get("/", "A: b\r\n c"), .refused(400)),
        WireRow("9112 5.2", "a line folded with a tab", get("/", "A: b\r\n\tc"), .refused(400)),
        WireRow("9112 5.2", "a folded line without text", get("/", "A: b\r\n "), .refused(400)),
        WireRow("9110 5.5", "NUL in a value", get("/", "A: b\0c"), .refused(400)),
        WireRow("9110 5.5", "a control byte in a value", get("/", "A: b\u{7}"), .refused(400)),
        WireRow("9110 5.5", "DEL in a value", get("/", "A: \u{7F}"), .refused(400)),
        WireRow("6585 5", "a head that is too large", get("/", "A: \(long)"), .refused(431)),
        WireRow("6585 5", "a field without end", "GET / HTTP/1.1\r\nHost: a\r\nA: \(long)", .refused(431)),
        WireRow("6585 5", "to HEAD without a body", request("HEAD", "/", ["A: \(long)"]), .refusedHead(431)),
        WireRow(
            "6585 5", "too many fields",
            "GET / HTTP/1.1\r\nHost:\r\n" + String(repeating: "A:\r\n", count: 128) + "\r\n", .refused(431)),
    ]

    // MARK: 6, bodies

    private static let bodies: [WireRow] = [
        WireRow("9112 6.3", "as long as Content-Length says", post("{}"), .ok("post / {}")),
        WireRow("9112 6.3", "no body without Content-Length", request("POST"), .ok("post / ")),
        WireRow("9110 8.6", "of length 0", post(""), .ok("post / ")),
        WireRow("9110 8.6", "leading zeros", posted("Content-Length: 0002", body: "{}"), .ok("post / {}")),
        WireRow("9110 8.6", "space around a length", posted("Content-Length:\t 2 ", body: "{}"), .ok("post / {}")),
        WireRow("9110 8.6", "two lengths that differ", lengths("2", "3", body: "{}x"), .refused(400)),
        // They may be taken for one. A proxy that takes them for one sends one.
        WireRow("9110 8.6", "two equal lengths", lengths("2", "2", body: "{}"), .refused(400)),
        WireRow("9110 8.6", "a list", posted("Content-Length: 2, 2", body: "{}"), .refused(400)),
        WireRow("9110 8.6", "a plus", posted("Content-Length: +2", body: "{}"), .refused(400)),
        WireRow("9110 8.6", "minus zero", posted("Content-Length: -0"), .refused(400)),
        WireRow("9110 8.6", "negative", posted("Content-Length: -1"), .refused(400)),
        WireRow("9110 8.6", "hexadecimal", posted("Content-Length: 0x2", body: "{}"), .refused(400)),
        WireRow("9110 8.6", "a fraction", posted("Content-Length: 2.0", body: "{}"), .refused(400)),
        WireRow("9110 8.6", "two numbers", posted("Content-Length: 2 2", body: "{}"), .refused(400)),
        WireRow("9110 8.6", "not a number", posted("Content-Length: abc"), .refused(400)),
        WireRow("9110 8.6", "empty", posted("Content-Length:"), .refused(400)),
        WireRow(
            "9110 8.6", "2 to the power of 64, and 2", posted("Content-Length: 18446744073709551618"), .refused(400)),
        WireRow("9110 8.6", "in a GET", get("/", "Content-Length: -1234"), .refused(400)),
        WireRow("9110 15.5.14", "a long body is answered 413", posted("Content-Length: 129"), .refused(413)),
        WireRow("9110 15.5.14", "a very long one too", posted("Content-Length: 999999999999999999"), .refused(413)),
        WireRow("9112 6.1", "chunked", chunked("2\r\n{}\r\n0\r\n\r\n"), .ok("post / {}")),
        WireRow("9112 7", "codings are in any case", coded("\tCHUNKED "), .ok("post / {}")),
        WireRow(
            "9112 6.1", "with a length", posted("Content-Length: 2", "Transfer-Encoding: chunked", body: last),
            .refused(400)),
        WireRow(
            "9112 6.1", "with a length behind it",
            posted("TransFer-Encoding: chunked", "content-LengtH: 2", body: last), .refused(400)),
        WireRow(
            "9112 6.1", "in HTTP/1.0",
            head("POST / HTTP/1.0", "Transfer-Encoding: chunked", "Connection: keep-alive") + last, .refused(400)),
        WireRow("9112 6.3", "chunked is not the last", coded("chunked, gzip"), .refused(400)),
        WireRow("9112 6.3", "chunked is not there", coded("gzip"), .refused(400)),
        WireRow("9112 7", "identity is no coding", coded("identity"), .refused(400)),
        WireRow("9112 6.1", "chunked twice", coded("chunked, chunked"), .refused(400)),
        WireRow(
            "9112 6.1", "in two fields", posted("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body: last),
            .refused(400)),
        // An empty member of a list should be ignored. Not here: what stands before the server may not.
        WireRow("9110 5.6.1", "an empty member", coded(", chunked"), .refused(400)),
        WireRow("9112 6.1", "an unknown coding before chunked is answered 501", coded("gzip, chunked"), .refused(501)),
        WireRow(
            "9110 9.3.1", "a GET's body means nothing", get("/", "Content-Length: 5") + "hello", .ok()),
        WireRow("9110 9.3.1", "also if chunked", get("/", "Transfer-Encoding: chunked") + "2\r\n{}\r\n" + last, .ok()),
        WireRow("9110 9.3.1", "also if empty", get("/", "Transfer-Encoding: chunked") + last, .ok()),
        WireRow(
            "9112 6.3", "OPTIONS may have one", request("OPTIONS", "/", ["Content-Length: 3"]) + "abc", .all(.options)),
        // HEAD has none that means anything: the connection ends rather than that it is read.
        WireRow(
            "9110 9.3.2", "HEAD with a body", request("HEAD", "/", ["Content-Length: 3"]) + "abc",
            .all(.head(2), closes: true)),
        WireRow(
            "9112 6.3", "TRACE with a body", request("TRACE", "/", ["Content-Length: 3"]) + "abc",
            .refused(405, allowed)),
    ]

    private static let last = "0\r\n\r\n"

    private static func coded(_ codings: String) -> String {
        request("POST", "/", ["Transfer-Encoding:\(codings)"]) + "2\r\n{}\r\n0\r\n\r\n"
    }

    private static func lengths(_ first: String, _ second: String, body: String) -> String {
        request("POST", "/", ["Content-Length: \(first)", "Content-Length: \(second)"]) + body
    }

    // MARK: 7.1, chunks

    private static let chunks: [WireRow] = [
        WireRow(
            "9112 7.1", "several chunks", chunked("2\r\n{}\r\nA\r\n0123456789\r\n000\r\n\r\n"),
            .ok("post / {}0123456789")),
        WireRow("9112 7.1", "leading zeros", chunked("00002\r\n{}\r\n00\r\n\r\n"), .ok("post / {}")),
        WireRow("9112 7.1", "an empty body", chunked(last), .ok("post / ")),
        WireRow("9112 7.1.1", "an extension", chunked("2;a\r\n{}\r\n0;b=c\r\n\r\n"), .ok("post / {}")),
        WireRow("9112 7.1.1", "a quoted extension", chunked("2;a=\"\\\";\r\"\r\n{}\r\n" + last), .refused(400)),
        WireRow(
            "9112 7.1.1", "with what looks like chunks", chunked("2;a=\"x;0 \\\"\"\r\n{}\r\n" + last), .ok("post / {}")),
        WireRow("9112 7.1.1", "space before an extension", chunked("2 \t; a = b\r\n{}\r\n" + last), .ok("post / {}")),
        WireRow("9112 7.1", "but not before a line end", chunked("2 \r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "space before a size", chunked(" 2\r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "no size", chunked("\r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "an extension without a size", chunked(";a\r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "a prefix", chunked("0x2\r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "a plus", chunked("+2\r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "negative", chunked("-2\r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "no digit", chunked("g\r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "words behind a size", chunked("2 junk\r\n{}\r\n" + last), .refused(400)),
        WireRow(
            "9112 7.1", "2 to the power of 64, and 2", chunked("10000000000000002\r\n{}\r\n" + last), .refused(400)),
        // A number may have any number of zeros. Fifteen digits are enough, and an end that always comes.
        WireRow("9112 7.1", "too many digits", chunked("0000000000000002\r\n{}\r\n" + last), .refused(400)),
        WireRow("9110 15.5.14", "a chunk that is too long", chunked("ffffffff\r\n{}\r\n"), .refused(413)),
        WireRow(
            "9110 15.5.14", "chunks that are too long together",
            chunked("7f\r\n\(String(repeating: "x", count: 127))\r\n2\r\n{}\r\n" + last), .refused(413)),
        WireRow("9112 7.1", "data that is too long", chunked("2\r\n{}}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "no line end behind data", chunked("2\r\n{}0\r\n\r\n"), .refused(400)),
        WireRow("9112 7.1", "a bare LF behind data", chunked("2\r\n{}\n0\r\n\r\n"), .refused(400)),
        WireRow("9112 7.1", "a bare LF behind a size", chunked("2\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "a bare CR behind a size", chunked("2\r{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1", "a bare LF at the end", chunked("0\r\n\n"), .refused(400)),
        WireRow("9112 7.1", "no end", chunked("0\r\n" + get()), .refused(400)),
        WireRow("9112 7.1.1", "NUL in an extension", chunked("2;\0\r\n{}\r\n" + last), .refused(400)),
        WireRow("9112 7.1.2", "trailers", chunked("2\r\n{}\r\n0\r\nA: b\r\nC:\r\n\r\n"), .ok("post / {}")),
        WireRow("9112 7.1.2", "a trailer without a name", chunked("0\r\n: b\r\n\r\n"), .refused(400)),
        WireRow("9112 7.1.2", "a trailer without a colon", chunked("0\r\nA\r\n\r\n"), .refused(400)),
        WireRow("9112 7.1.2", "space before its colon", chunked("0\r\nA : b\r\n\r\n"), .refused(400)),
        WireRow("9112 7.1.2", "a folded trailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), .refused(400)),
        WireRow("9112 7.1.2", "NUL in a trailer", chunked("0\r\nA: \0\r\n\r\n"), .refused(400)),
        WireRow("9112 7.1.2", "a bare LF behind a trailer", chunked("0\r\nA: b\n\r\n"), .refused(400)),
    ]

    // MARK: 9, connections

    private static let connections: [WireRow] = [
        WireRow("9112 9.3", "HTTP/1.1 goes on", get("/", "Connection: keep-alive"), .ok()),
        WireRow("9112 9.6", "close ends it", get("/", "Connection: close"), .closing()),
        WireRow("9112 9.6", "also behind a POST", post("{}", "Connection: close"), .closing("post / {}")),
        WireRow("9110 7.6.1", "options are in any case", get("/", "Connection: CLOSE"), .closing()),
        WireRow("9110 7.6.1", "in lists", get("/", "Connection: foo,\t close ,"), .closing()),
        WireRow("9110 7.6.1", "and in several fields", get("/", "Connection: foo", "Connection: close"), .closing()),
        WireRow("9110 7.6.1", "whole words", get("/", "Connection: closed"), .ok()),
        WireRow("9112 9.3", "close is stronger", get("/", "Connection: keep-alive, close"), .closing()),
        WireRow("9112 9.3", "HTTP/1.0 ends", head("GET / HTTP/1.0", "Host: a"), .closing()),
        WireRow(
            "9112 9.3", "but for keep-alive", head("GET / HTTP/1.0", "Connection: foo, Keep-Alive"),
            .all(ExpectedReply(status: 200, body: "OK", fields: ["Connection": "keep-alive"]))),
        WireRow("9112 9.3", "close is stronger", head("GET / HTTP/1.0", "Connection: keep-alive, close"), .closing()),
        WireRow("9112 9.6", "nothing behind close is answered", get("/", "Connection: close") + get(), .closing()),
        WireRow("9112 9.3.2", "nothing behind an error is answered", head("GET / HTTP/1.1") + get(), .refused(400)),
        WireRow(
            "9112 9.3.2", "replies come in order",
            get() + post("{}") + request("HEAD") + request("OPTIONS") + get("/health/liveness") + chunked(last),
            .all(.ok(), .ok("post / {}"), .head(2), .options, .ok("Alive"), .ok("post / "))),
    ]
}
