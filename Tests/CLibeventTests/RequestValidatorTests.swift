import CLibevent
import CLibeventInternals
import Testing

@Suite struct `Request validator` {
    /// Literal bytes of a head, and what the validator says of them.
    struct Row: CustomTestStringConvertible, Sendable {
        let rule: String
        let bytes: String
        let rejected: shim_reject?
        var testDescription: String { "\(rule): \(bytes.debugDescription)" }

        init(_ rule: String, _ bytes: String, _ rejected: shim_reject? = nil) {
            (self.rule, self.bytes, self.rejected) = (rule, bytes, rejected)
        }
    }

    static let rows = [
        // The request line.
        Row("RFC 9112, 3", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Row("RFC 9112, 3", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3", "GET /\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.1", "get / HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_METHOD),
        Row("RFC 9112, 3.1", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_METHOD),
        Row("RFC 9112, 3.2", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2", "GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2.1", "GET //a:b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Row("RFC 9112, 3.2.1", "GET /?a=b/c?d HTTP/1.1\r\nHost: a\r\n\r\n"),
        Row("RFC 9112, 3.2.1", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2.1", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2.2", "GET http://b/c?d HTTP/1.1\r\nHost: a\r\n\r\n"),
        Row("RFC 9112, 3.2.2", "GET HTTPS://[::1]:8080 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Row("RFC 9112, 3.2.2", "GET ://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2.2", "GET h@b://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 4.2.1", "GET http:///c HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 4.2.1", "GET http://:80/c HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 4.2.4", "GET http://a@b/c HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2.3", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2.3", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", .SHIM_REJECT_METHOD),
        Row("RFC 9112, 3.2.4", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        Row("RFC 9112, 3.2.4", "OPTIONS /a HTTP/1.0\r\n\r\n"),
        Row("RFC 9112, 3.2.4", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2.4", "OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 2.3", "GET / HTTP/1.0\r\n\r\n"),
        Row("RFC 9112, 2.3", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", .SHIM_REJECT_VERSION),
        Row("RFC 9112, 2.3", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", .SHIM_REJECT_VERSION),
        Row("RFC 9112, 2.3", "GET / http/1.1\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 2.3", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        // Fields.
        Row("RFC 9112, 5.1", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 5.1", "GET / HTTP/1.1\r\n: a\r\nHost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 5.1", "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 5.2", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 5.5", "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 5.5", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 5.5", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{E9}\tb\r\n\r\n"),
        Row("RFC 9112, 3.2", "GET / HTTP/1.1\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 3.2", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", .SHIM_REJECT_MALFORMED),
        // Framing.
        Row("RFC 9110, 8.6", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 8.6", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2,2\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 8.6", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9110, 8.6", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row(
            "RFC 9112, 6.3", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
            .SHIM_REJECT_MALFORMED),
        Row(
            "RFC 9112, 6.1", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            .SHIM_REJECT_MALFORMED),
        Row(
            "RFC 9112, 6.1", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            .SHIM_REJECT_CODING),
        Row(
            "RFC 9112, 6.1", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .SHIM_REJECT_MALFORMED
        ),
        Row("RFC 9112, 6.1", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .SHIM_REJECT_MALFORMED),
        Row("RFC 9112, 6.1", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tCHUNKED \r\n\r\n"),
        Row("RFC 9110, 10.1.1", "POST / HTTP/1.1\r\nHost: a\r\nExpect:\t100-Continue\r\n\r\n"),
        Row("RFC 9110, 10.1.1", "POST / HTTP/1.1\r\nHost: a\r\nExpect: other\r\n\r\n", .SHIM_REJECT_EXPECTATION),
        Row("RFC 9110, 10.1.1", "POST / HTTP/1.0\r\nExpect: other\r\n\r\n"),
    ]

    /// Values of Host, and whether they are valid. Source: RFC 9110, 7.2; RFC 3986, 3.2.2.
    static let hosts: [(String, Bool)] = [
        ("", true), ("a", true), ("a.b-c_d~e:8080", true), ("a:", true), ("127.0.0.1:1", true), ("[::1]", true),
        ("[::1]:80", true), ("[fe80::1%25eth0]", true), ("a%2D1", true), ("x1", true), ("1", true), (":80", true),
        ("(a);b=c,!", true), ("a b", false), ("a@b", false), ("http://a", false), ("a/b", false), ("[::1", false),
        ("::1", false), ("::1]", false), ("[::1]80", false), ("[::1]a", false), ("[]", false), ("[", false),
        ("a:b", false), ("a:80:80", false), ("a%2", false), ("a%", false), ("a%2g", false), ("\u{E9}", false),
        ("a?b", false), ("a#b", false), ("a,b c", false), ("\"a\"", false), ("a\\b", false), ("{a}", false),
    ]

    @Test(arguments: hosts) func `takes a host and a port, and nothing else`(host: String, isValid: Bool) {
        for line in ["Host: \(host)", "host:\(host)\t"] {
            let rejected = validate("GET / HTTP/1.1\r\n\(line)\r\n\r\n").rejected
            #expect(rejected == (isValid ? 0 : CInt(shim_reject.SHIM_REJECT_MALFORMED.rawValue)))
        }
    }

    /// Validates a head. `nil`: it is rejected.
    private func validate(_ text: String) -> (rejected: CInt, head: request_head, canonical: String, target: String) {
        let bytes = Array(text.utf8)
        var head = request_head()
        return unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: bytes.count + Int(REQUEST_CANONICAL_EXTRA)
        ) {
            var canonical = unsafe canonical_head(bytes: $0.baseAddress, count: 0, target: 0, target_count: 0)
            let rejected = unsafe request_validate(bytes, bytes.count, &head, &canonical)
            let target = unsafe bytes[canonical.target..<(canonical.target + canonical.target_count)]
            return unsafe (
                rejected, head, String(decoding: $0.prefix(canonical.count), as: UTF8.self),
                String(decoding: target, as: UTF8.self)
            )
        }
    }

    @Test(arguments: rows) func `says of each head what the RFC says`(row: Row) {
        #expect(validate(row.bytes).rejected == row.rejected.map { CInt($0.rawValue) } ?? 0)
    }

    @Test func `writes a head without framing, whose connection field only names other fields`() {
        let text = """
            POST http://b:80/c?d HTTP/1.0\r\nhost:a\r\nX-Some: \t b \t\r\nConnection: close, x\r\nExpect: 100-continue\r
            Content-Length: 3\r\nEmpty:\r\n\r\n
            """
        let (rejected, head, canonical, _) = validate(String(text.dropLast()) + "\n")
        #expect(rejected == 0)
        #expect(canonical == "POST / HTTP/1.1\r\nhost: b:80\r\nX-Some: b\r\nConnection: close, x\r\nEmpty: \r\n\r\n")
        #expect(head.http10 && !head.keep_alive && !head.expect_continue && head.content_length == 3)
    }

    @Test(arguments: [
        ("/a?b", "/a?b"), ("//a:b/", "//a:b/"), ("http://a", ""), ("http://a/b?c", "/b?c"), ("http://a?b", "?b"),
        ("/a://b", "/a://b"),
    ])
    func `finds the target in origin form`(target: String, path: String) {
        let text = "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(validate(text).target == path)
    }

    @Test func `takes 128 fields and no more`() {
        func head(_ fields: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X:y\r\n", count: fields - 1) + "\r\n"
        }
        #expect(validate(head(128)).rejected == 0)
        #expect(validate(head(129)).rejected == CInt(shim_reject.SHIM_REJECT_HEAD_TOO_LARGE.rawValue))
    }

    @Test func `finds the end of a head wherever it is split, and refuses a bare LF`() {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore".utf8)
        for split in 1..<bytes.count - 4 {
            var scanned = 0
            #expect(unsafe request_find_end(bytes, split, &scanned) == HEAD_END_MISSING)
            #expect(
                unsafe request_find_end(bytes, bytes.count, &scanned) == HEAD_END_FOUND && scanned == bytes.count - 4)
        }
        for text in ["GET / HTTP/1.1\nHost: a\n\n", "\u{16}\u{3}\u{1}", "\n"] {
            var scanned = 0
            #expect(unsafe request_find_end(Array(text.utf8), text.utf8.count, &scanned) == HEAD_END_MALFORMED)
        }
    }
}
