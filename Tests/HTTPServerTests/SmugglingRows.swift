/// Requests that two readers of HTTP can understand differently, each with a whole request behind or in it. It must be
/// answered as a request only where no reader can take it for anything else. The limits are those of `WireCheck`.
///
/// Source: the payloads of C. Linhart et al., "HTTP Request Smuggling", 2005; A. Klein, "HTTP Request Smuggling in
/// 2020"; J. Kettle, "HTTP Desync Attacks", 2019, "Browser-Powered Desync Attacks", 2022, and "HTTP/1.1 must die", 2025;
/// B. Kallus et al. on chunk extensions, "Funky chunks", 2025.
enum Smuggling {
    static let rows = lengths + codings + fields + lines + chunks + methods

    /// A chunked body's end, and the hidden request.
    private static let hidden = "0\r\n\r\n" + smuggled

    private static func row(_ attack: String, _ text: String, _ outcome: Outcome = .refused(400)) -> WireRow {
        WireRow(attack, "is refused, or has one reading", text, outcome)
    }

    /// A POST with a length that covers all, and `line`, which some take for `Transfer-Encoding: chunked`.
    private static func both(_ line: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(hidden.utf8.count)\r\n\(line)\r\n\r\n" + hidden
    }

    /// A POST whose only framing is `lines`.
    private static func framed(_ lines: String, _ body: String = hidden) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n" + body
    }

    // MARK: Content-Length

    private static let lengths: [WireRow] = {
        let count = smuggled.utf8.count
        return [
            row("two lengths", framed("Content-Length: 0\r\nContent-Length: \(count)", smuggled)),
            row("two lengths, the long one first", framed("Content-Length: \(count)\r\nContent-Length: 0", smuggled)),
            row("a list of lengths", framed("Content-Length: 0, \(count)", smuggled)),
            row("a plus", framed("Content-Length: +\(count)", smuggled)),
            row("a minus", framed("Content-Length: -0", smuggled)),
            row("a vertical tab", framed("Content-Length: \u{0B}\(count)", smuggled)),
            row("a form feed", framed("Content-Length: \(count)\u{0C}", smuggled)),
            row("a no-break space", framed("Content-Length: \u{A0}\(count)", smuggled)),
            row("an underscore between digits", framed("Content-Length: 6_0", smuggled)),
            row("an exponent", framed("Content-Length: 6e1", smuggled)),
            row("a quoted number", framed("Content-Length: \"\(count)\"", smuggled)),
            row("NUL behind the number", framed("Content-Length: \(count)\0", smuggled)),
            row("words behind the number", framed("Content-Length: \(count) abc", smuggled)),
            row("a length of 2 to the power of 64", framed("Content-Length: 18446744073709551616", smuggled)),
            row("a folded length", framed("Content-Length:\r\n \(count)", smuggled)),
            row("a number that goes on in the next line", framed("Content-Length: 6\r\n 0", smuggled)),
            row("space before the colon", framed("Content-Length : \(count)", smuggled)),
            row("NUL in the name", framed("Content-Length\0: \(count)", smuggled)),
            row("a bare CR before the name", framed("X: a\rContent-Length: \(count)", smuggled)),
            row("a bare LF before the name", framed("X: a\nContent-Length: \(count)", smuggled)),
            // Leading zeros are part of the grammar: no reader can take them for octal who reads HTTP.
            row("leading zeros", framed("Content-Length: 000\(count)", smuggled), .ok("post / \(smuggled)")),
            row("another name", framed("Content_Length: \(count)", ""), .ok("post / ")),
            // It is Connection's to say what the next hop removes, not what the request means.
            row(
                "a length that Connection names",
                framed("Connection: Content-Length\r\nContent-Length: \(count)", smuggled),
                .ok("post / \(smuggled)")),
        ]
    }()

    // MARK: Transfer-Encoding

    private static let codings: [WireRow] =
        [
            "Transfer-Encoding: chunked", "transfer-encoding:chunked", "Transfer-Encoding : chunked",
            "Transfer-Encoding\t:\tchunked", " Transfer-Encoding: chunked", "Transfer-Encoding:\u{0B}chunked",
            "Transfer-Encoding: chunked\u{0B}", "Transfer-Encoding:\u{A0}chunked", "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunkedx", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'",
            "Transfer-Encoding: chunked\0", "Transfer-Encoding: chunked;a=b", "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\r\n chunked",
            "Transfer-Encoding: chunk\r\n ed", "Transfer-Encoding\r\n: chunked", "X: a\nTransfer-Encoding: chunked",
            "X: a\rTransfer-Encoding: chunked", "X: a\r\rTransfer-Encoding: chunked", "\0Transfer-Encoding: chunked",
            "Transfer-Encoding\0: chunked", "Transfer-Encoding: ch\u{75}\u{6E}ked", "Transfer-Encoding: CHUNKED",
            "Transfer-Encoding: , chunked", "Transfer-Encoding: chunked,", "Transfer-Encoding:",
            "Transfer-Encoding: \u{131}dentity", "Transfer Encoding: chunked", "Transfer-Encoding chunked",
            "Transfer-Encoding=chunked", "Transfer\u{2D}Encoding: chunked",
        ].map { row("a length, and \($0.debugDescription)", both($0.latin1)) }
        + [
            "Transfer_Encoding: chunked", "X-Transfer-Encoding: chunked", "Transfer-Encodings: chunked",
            "TE: chunked", "X: a, Transfer-Encoding: chunked",
        ].map { row("another field, \($0)", both($0), .ok("post / \(hidden)")) }
        + [
            row("a length, and another coding", both("Transfer-Encoding: identity, chunked"), .refused(501)),
            row("no length, and an empty coding", framed("Transfer-Encoding: ")),
            row("no length, and a coding that is none", framed("Transfer-Encoding: identity")),
            row("no length, and a tab in the coding", framed("Transfer-Encoding: chun\tked")),
            row(
                "chunked by HTTP/1.0",
                "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden),
            row(
                "chunked, and proper", framed("Transfer-Encoding: chunked"),
                .both("post / ")),
            row(
                "chunked that Connection names",
                framed("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked"),
                .both("post / ")),
        ]

    // MARK: Other fields

    private static let fields: [WireRow] = [
        row("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + smuggled),
        row("a host with spaces", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" + smuggled),
        row("a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" + smuggled),
        row("a host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n" + smuggled),
        row("space before Host's colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n" + smuggled),
        row("a first field that is folded", "GET / HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n" + smuggled),
        row("a line that is no field", "GET / HTTP/1.1\r\nHost: a\r\nabc\r\n\r\n" + smuggled),
        row("a field without a name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n" + smuggled),
        row("an end by bare LFs", "GET / HTTP/1.1\r\nHost: a\n\n" + smuggled),
        row("an end by LF and CRLF", "GET / HTTP/1.1\r\nHost: a\r\n\n" + smuggled),
        row("an end by CR, CR, LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n" + smuggled),
        row("a request in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\r\n" + smuggled),
        row("an obscure expectation", framed("Expect: y 100-continue\r\nContent-Length: 2", smuggled), .refused(417)),
        row("an expectation that is folded", framed("Expect:\r\n 100-continue\r\nContent-Length: 2", smuggled)),
        row(
            "an expectation without a body", framed("Expect: 100-continue\r\nContent-Length: 0", smuggled),
            .both("post / ")),
        row(
            "an upgrade to HTTP/2", framed("Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 0", smuggled),
            .both("post / ")),
        row("a response instead of a request", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + smuggled),
    ]

    // MARK: Request lines

    private static let lines: [WireRow] =
        [
            "GET /", "GET / HTTP/1.1 ", "GET  / HTTP/1.1", "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", " GET / HTTP/1.1",
            "GET / HTTP/1.1 HTTP/1.1", "GET /a b HTTP/1.1", "GET /\0 HTTP/1.1", "GET / HTTP/1.1\r", "G\0ET / HTTP/1.1",
            "GET / http/1.1", "GET / HTTP/01.1", "GET / HTTP/1.01", "GET / HTTP/1,1", "GET / HTTP 1.1", "GET / HTP/1.1",
            "GET http:///a HTTP/1.1", "GET //\u{7F} HTTP/1.1", "GET /#a HTTP/1.1", "GET * HTTP/1.1", "GET a HTTP/1.1",
        ].map { row("the line \($0.debugDescription)", "\($0)\r\nHost: a\r\n\r\n" + smuggled) }
        + [
            row("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n" + smuggled, .refused(505)),
            row("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + smuggled, .refused(505)),
            row("bytes of TLS", "\u{16}\u{03}\u{01}\u{02}\0\u{01}\r\n\r\n" + smuggled),
        ]

    // MARK: Chunks

    /// A chunked POST with `body`, and the hidden request.
    private static func chunk(_ body: String) -> String { chunked(body) + smuggled }

    private static let chunks: [WireRow] =
        [
            "2;\n{}\r\n0\r\n\r\n", "2;a\n{}\r\n0\r\n\r\n", "2\n{}\r\n0\r\n\r\n", "2\r{}\r\n0\r\n\r\n",
            "2;a\r{}\r\n0\r\n\r\n",
            "2\r\n{}\n0\r\n\r\n", "2\r\n{}\r0\r\n\r\n", "2\r\n{}0\r\n\r\n", "2\r\n{}XX0\r\n\r\n", "2\r\n{}\r\n0\n\n",
            "2\r\n{}\r\n0\r\n\n", "2\r\n{}\r\n0\n\r\n", "2\r\n{}\r\n0\r\r\n", "2\0\r\n{}\r\n0\r\n\r\n",
            "0x2\r\n{}\r\n0\r\n\r\n",
            "+2\r\n{}\r\n0\r\n\r\n", "-1\r\n{}\r\n0\r\n\r\n", "2_\r\n{}\r\n0\r\n\r\n", "2 2\r\n{}\r\n0\r\n\r\n",
            "2\u{A0}\r\n{}\r\n0\r\n\r\n",
            "100000000000000002\r\n{}\r\n0\r\n\r\n", "\r\n2\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\n\r\n0\r\n\r\n",
            "2;\0\r\n{}\r\n0\r\n\r\n",
            "0\r\nX\r\n\r\n", "0\r\nX : a\r\n\r\n", "0\r\nX: a\n\r\n", "0\r\nX: a\r\r\n\r\n", "0\r\n X: a\r\n\r\n",
            "0\r\nX: \0\r\n\r\n",
        ].map { row("the chunks \($0.debugDescription)", chunk($0.latin1)) }
        + [
            row("no size in the last line", chunked("2\r\n{}\r\n") + smuggled),
            row(
                "a length among the trailers", chunk("2\r\n{}\r\n0\r\nContent-Length: 100\r\n\r\n"),
                .both("post / {}")),
            row(
                "a coding among the trailers", chunk("2\r\n{}\r\n0\r\nTransfer-Encoding: x\r\n\r\n"),
                .both("post / {}")),
            row(
                "extensions", chunk("2;a=b;c=\"d\"\r\n{}\r\n0;e\r\n\r\n"),
                .both("post / {}")),
            row(
                "the request as a chunk",
                chunked("\(String(smuggled.utf8.count, radix: 16))\r\n\(smuggled)\r\n0\r\n\r\n"),
                .ok("post / \(smuggled)")),
        ]

    // MARK: Bodies where none is expected

    private static let methods: [WireRow] = {
        let length = ["Content-Length: \(smuggled.utf8.count)"]
        return [
            row("a GET with a body", request("GET", "/", length) + smuggled, .ok()),
            row("OPTIONS with a body", request("OPTIONS", "/", length) + smuggled, .all(.options)),
            row("HEAD with a body", request("HEAD", "/", length) + smuggled, .all(.head(2), closes: true)),
            row("TRACE with a body", request("TRACE", "/", length) + smuggled, .refused(405)),
            row("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + smuggled, .refused(405)),
            row("a method in lower case", request("post", "/", length) + smuggled, .refused(405)),
            row("a body behind a request that closes", get("/", "Connection: close") + smuggled, .closing()),
            row(
                "a GET and a request", request("GET", "/", ["Content-Length: 0"]) + smuggled,
                .both("OK")),
        ]
    }()
}

extension Outcome {
    /// An answer with this body, and that to the request behind it, which is no hidden one.
    fileprivate static func both(_ body: String) -> Self { .all(.ok(body), .ok("post /smuggled ")) }
}

extension String {
    /// The text with each character beyond one byte written as its bytes in UTF-8, one character for each.
    fileprivate var latin1: String {
        unicodeScalars.allSatisfy { $0.value < 256 }
            ? self : utf8.map { String(UnicodeScalar($0)) }.joined()
    }
}
