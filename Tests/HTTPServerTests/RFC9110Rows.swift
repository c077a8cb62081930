/// RFC 9110, "HTTP Semantics": what a message means. The limits are those of `WireCheck`.
enum RFC9110 {
    static let rows = methods + expectations + upgrades

    private static let allowed = ["Allow": "GET, HEAD, OPTIONS, POST"]

    private static let methods: [WireRow] = [
        WireRow("9110 9.3.1", "GET", get(), .ok()),
        WireRow("9110 9.3.2", "HEAD", request("HEAD"), .all(.head(2))),
        WireRow("9110 9.3.2", "HEAD of a health path", request("HEAD", "/health/liveness"), .all(.head(5))),
        WireRow("9110 9.3.2", "HEAD that closes", head("HEAD / HTTP/1.0"), .all(.head(2), closes: true)),
        WireRow("9110 9.3.2", "HEAD that is refused", head("HEAD / HTTP/1.1"), .refusedHead(400)),
        WireRow("9110 9.3.2", "before its end", "HEAD / HTTP/1.1\nHost: a\n\n", .refusedHead(400)),
        WireRow("9110 9.3.2", "by its request line", head("HEAD /a b HTTP/1.1", "Host: a"), .refusedHead(400)),
        WireRow("9110 9.3.2", "by an expectation", request("HEAD", "/", ["Expect: x"]), .refusedHead(417)),
        WireRow("9110 9.3.2", "by its length", request("HEAD", "/", ["Content-Length: x"]), .refusedHead(400)),
        WireRow("9110 9.3.3", "POST", post("{}"), .ok("post / {}")),
        WireRow("9110 9.3.7", "OPTIONS", request("OPTIONS", "/a"), .all(.options)),
        WireRow(
            "9110 9.3.7", "OPTIONS in HTTP/1.0, as HAProxy checks", head("OPTIONS / HTTP/1.0"),
            .all(.options, closes: true)),
        WireRow("9110 9.3.4", "PUT", request("PUT"), .refused(405, allowed)),
        WireRow("9110 9.3.5", "DELETE", request("DELETE"), .refused(405, allowed)),
        WireRow("9110 9.3.6", "CONNECT", request("CONNECT"), .refused(405, allowed)),
        WireRow("9110 9.3.8", "TRACE", request("TRACE"), .refused(405, allowed)),
        WireRow("5789 2", "PATCH", request("PATCH"), .refused(405, allowed)),
        // 501 is a SHOULD: see RFC 9112, 3.1.
        WireRow("9110 9.1", "a method that is unknown", request("BREW"), .refused(405, allowed)),
        WireRow("9110 9.1", "with a known one at its start", request("GETS"), .refused(405, allowed)),
        WireRow("9110 9.1", "one in lower case", request("options"), .refused(405, allowed)),
        WireRow("9110 9.1", "one with a hyphen", request("M-SEARCH", "*"), .refused(405, allowed)),
    ]

    private static let expectations: [WireRow] = [
        WireRow("9110 10.1.1", "100 Continue", post("{}", "Expect: 100-continue"), .continuing("post / {}")),
        WireRow("9110 10.1.1", "in any case", post("{}", "expect:\t100-Continue"), .continuing("post / {}")),
        WireRow(
            "9110 10.1.1", "before chunks", posted("Transfer-Encoding: chunked", "Expect: 100-continue", body: chunks),
            .continuing("post / {}")),
        WireRow(
            "9110 10.1.1", "for a GET with a body", get("/", "Content-Length: 2", "Expect: 100-continue") + "{}",
            Outcome(replies: [.ok()], continues: true)),
        WireRow("9110 5.6.1", "in a list", post("{}", "Expect: , 100-continue,100-continue"), .continuing("post / {}")),
        WireRow("9110 5.6.1", "an empty list", post("{}", "Expect:"), .ok("post / {}")),
        WireRow("9110 10.1.1", "without a body", get("/", "Expect: 100-continue"), .ok()),
        WireRow("9110 10.1.1", "with an empty body", post("", "Expect: 100-continue"), .ok("post / ")),
        WireRow(
            "9110 10.1.1", "ignored in HTTP/1.0",
            head("POST / HTTP/1.0", "Content-Length: 2", "Expect: 100-continue") + "{}", .closing("post / {}")),
        WireRow(
            "9110 10.1.1", "an unknown one too", head("POST / HTTP/1.0", "Content-Length: 2", "Expect: x") + "{}",
            .closing("post / {}")),
        WireRow("9110 10.1.1", "an unknown one is answered 417", post("{}", "Expect: 200-ok"), .refused(417)),
        WireRow("9110 10.1.1", "beside a known one", post("{}", "Expect: 100-continue, x"), .refused(417)),
        WireRow("9110 10.1.1", "with a parameter", post("{}", "Expect: 100-continue; a=b"), .refused(417)),
        WireRow("9110 10.1.1", "in a GET", get("/", "Expect: x"), .refused(417)),
        WireRow(
            "9110 10.1.1", "a decision goes before 100 Continue: 413",
            posted("Content-Length: 129", "Expect: 100-continue"), .refused(413)),
        WireRow(
            "9110 10.1.1", "405", request("PUT", "/", ["Content-Length: 2", "Expect: 100-continue"]) + "{}",
            .refused(405, allowed)),
        WireRow(
            "9110 10.1.1", "400",
            posted("Content-Length: 2", "Expect: 100-continue", "Transfer-Encoding: chunked", body: "{}"), .refused(400)
        ),
        WireRow(
            "9110 10.1.1", "200, as it answers HEAD",
            request("HEAD", "/", ["Content-Length: 2", "Expect: 100-continue"]) + "{}", .all(.head(2), closes: true)),
    ]

    private static let chunks = "2\r\n{}\r\n0\r\n\r\n"

    private static let upgrades: [WireRow] = [
        WireRow(
            "9110 7.8", "an upgrade is ignored",
            get("/", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"), .ok()),
        WireRow(
            "9110 7.8", "also with a body", post("{}", "Upgrade: websocket", "Connection: upgrade"), .ok("post / {}")),
        WireRow(
            "9110 7.8", "also in HTTP/1.0", head("GET / HTTP/1.0", "Upgrade: h2c", "Connection: upgrade"), .closing()),
    ]
}
