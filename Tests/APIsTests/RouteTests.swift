import APIs
import JSON
import Testing

@Suite struct `Paths of APIs` {
    static let rows: [(path: String, route: Route?)] = [
        ("/", nil), ("/api/", nil), ("/api/chat/", nil), ("/API/chat", nil), ("/v1", nil), ("/v1/model", nil),
        ("/x/api/chat", nil), ("/v1/moderations", .unserved(.openai)), ("/v1/files/x", .unserved(.openai)),
        ("/v1/responses/resp_1", .unserved(.openai)), ("/v1/messages/batches", .unserved(.anthropic)),
        ("/api/web_search", .unserved(.ollama)), ("/v1/anything", nil),
        ("/api/tag", nil), ("/v1/models/", nil), ("/api/status", .unserved(.ollama)),
        ("/api/chat", .prompt(.chat)), ("/v1/messages", .prompt(.messages)),
        ("/v1/messages/count_tokens", .prompt(.countTokens)), ("/api/tags", .listing(.tags)),
        ("/api/ps", .listing(.running)), ("/v1/models", .listing(.models)),
        ("/v1/models/a/b:c", .listing(.model("a/b:c"))), ("/api/pull", .modelChange(.post)),
        ("/api/delete", .modelChange(.delete)),
        ("/api/blobs/sha256:0", nil),
        ("/api/blobs/sha256:" + String(repeating: "0a", count: 32), .modelChange(.blob)),
        ("/api/blobs/../x", nil),
        ("/v1/models/..", nil), ("/v1/models/a/../b", nil), ("/v1/models/%2E%2e/b", nil),
        ("/v1/models/a%2f..%5Cb", nil), ("/v1/models/a..b", .listing(.model("a..b"))),
    ]

    @Test(arguments: rows)
    func `match exactly`(path: String, route: Route?) { #expect(Route(path) == route) }

    @Test func `are balanced when all is closed`() {
        for (text, isClosed) in [
            ("{}", true), (#" [{"a":"}\"]"}] "#, true), ("", false), ("1", false), (#"{"a":"x"#, false),
            (#"{"a":"x\"}"#, false), ("{\"a\":[1}", false), (#"{"a":"\\"}"#, true),
        ] {
            var balance = JSONBalance()
            balance.read(Array(text.utf8).span)
            #expect(balance.isClosed == isClosed, "\(text)")
        }
    }

    @Test(arguments: API.allCases, [400, 401, 403, 404, 405, 413, 429, 500, 502, 503, 504])
    func `have errors that are JSON`(api: API, status: Int) {
        let body = api.errorBody(status: status, "a \"b\"\n\u{1F600}")
        #expect(unsafe body.withUnsafeBytes { unsafe JSONReader.isValid($0) })
    }

    @Test func `have lists that are put together`() {
        let first = Array(#"{"models":[{"name":"a:1","model":"a:1","size":1},{"name":"b","model":"b"}]}"#.utf8)
        let second = Array(#" {"x":[1],"models":[{"name":"b","model":"b","size":2},{"model":"c"},3]} "#.utf8)
        let noList = [Array("<html>".utf8), Array("{}".utf8), Array(#"{"models":null}"#.utf8)]
        let merged = ModelListing.merged([first] + noList + [second], of: .tags) { name in
            name == "c" ? [] : name == "a:1" ? ["a:1", "fast"] : [name]
        }
        #expect(
            merged.map { String(decoding: $0, as: UTF8.self) }
                == #"{"models":[{"name":"a:1","model":"a:1","size":1},{"name":"fast","model":"fast","size":1},{"name":"b","model":"b"}]}"#
        )
        #expect(ModelListing.merged(noList, of: .tags) { [$0] } == nil)
        let models = ModelListing.merged([Array(#"{"data":[{"id":"a"}]}"#.utf8)], of: .models) { [$0] }
        #expect(models.map { String(decoding: $0, as: UTF8.self) } == #"{"object":"list","data":[{"id":"a"}]}"#)
    }
}
