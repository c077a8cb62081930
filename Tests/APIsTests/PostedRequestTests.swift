import APIs
import JSON
import Testing

@Suite struct `A posted request` {
    struct Limit: Sendable {
        let endpoint: Endpoint
        let body: String
        /// With a limit of 9 tokens; `nil` if it is refused.
        let limited: String?

        init(_ endpoint: Endpoint, _ body: String, _ limited: String?) {
            (self.endpoint, self.body, self.limited) = (endpoint, body, limited)
        }
    }

    static let limits: [Limit] = [
        Limit(.chat, #"{"model":"m"}"#, #"{"options":{"num_predict":9},"model":"m"}"#),
        Limit(.chat, #"{"model":"m","options":{}}"#, #"{"model":"m","options":{"num_predict":9}}"#),
        Limit(.chat, #"{"model":"m","options":{"seed":1}}"#, #"{"model":"m","options":{"num_predict":9,"seed":1}}"#),
        Limit(.chat, #"{"model":"m","options":null}"#, #"{"model":"m","options":{"num_predict":9}}"#),
        Limit(.chat, #"{"model":"m","options":{"num_predict":null}}"#, #"{"model":"m","options":{"num_predict":9}}"#),
        Limit(.chat, #"{"model":"m","options":{"num_predict":9}}"#, #"{"model":"m","options":{"num_predict":9}}"#),
        Limit(.chat, #"{"model":"m","options":{"num_predict":10}}"#, nil),
        Limit(.chat, #"{"model":"m","options":{"num_predict":-1}}"#, nil),
        Limit(.chat, #"{"model":"m","options":{"num_predict":"9"}}"#, nil),
        Limit(.chat, #"{"model":"m","options":{"num_predict":1,"num_predict":10}}"#, nil),
        Limit(
            .generate, #"{"model":"m","max_tokens":99}"#, #"{"options":{"num_predict":9},"model":"m","max_tokens":99}"#),
        Limit(.chatCompletions, #"{"model":"m"}"#, #"{"max_tokens":9,"model":"m"}"#),
        Limit(
            .chatCompletions, #"{"model":"m","max_completion_tokens":3}"#,
            #"{"max_tokens":9,"model":"m","max_completion_tokens":3}"#),
        Limit(.chatCompletions, #"{"model":"m","max_tokens":3,"max_completion_tokens":10}"#, nil),
        Limit(.chatCompletions, #"{"model":"m","max_tokens":null}"#, #"{"model":"m","max_tokens":9}"#),
        Limit(.responses, #"{"model":"m"}"#, #"{"max_output_tokens":9,"model":"m"}"#),
        Limit(.messages, #"{"model":"m","max_tokens":10}"#, nil),
        Limit(.responses, #"{"model":"m","n_predict":10}"#, nil),
        Limit(.responses, #"{"model":"m","max_tokens":10}"#, nil),
        Limit(.messages, #"{"model":"m","max_tokens":1,"max_completion_tokens":10}"#, nil),
        Limit(.completions, #"{"model":"m","max_tokens":1,"prompt":["a","b"]}"#, nil),
        Limit(.completions, #"{"model":"m","max_tokens":1,"prompt":[[1],[2]]}"#, nil),
        Limit(
            .completions, #"{"model":"m","max_tokens":1,"prompt":["a"]}"#,
            #"{"model":"m","max_tokens":1,"prompt":["a"]}"#),
        Limit(
            .completions, #"{"model":"m","max_tokens":1,"prompt":[1,2,3]}"#,
            #"{"model":"m","max_tokens":1,"prompt":[1,2,3]}"#),
        Limit(.embed, #"{"model":"m","options":{"num_predict":10}}"#, #"{"model":"m","options":{"num_predict":10}}"#),
    ]

    @Test(arguments: limits)
    func `never gets more tokens than the limit`(row: Limit) throws {
        let request = try PostedRequest(Array(row.body.utf8), to: row.endpoint)
        let limited = try? request.body(model: nil, maxTokens: 9)
        #expect(limited.map { String(decoding: $0, as: UTF8.self) } == row.limited)
        let unlimited = try request.body(model: nil, maxTokens: nil)
        #expect(unlimited == Array(row.body.utf8))
    }

    @Test func `gets another model's name in place`() throws {
        let body = #"{ "stream":true, "model" : "f\u0061st" ,"options":{"model":"x"},"messages":[{"model":"fast"}]}"#
        let request = try PostedRequest(Array(body.utf8), to: .chat)
        #expect(request.model.string == "fast")
        let other = try request.body(model: JSONText("a \"b\""), maxTokens: 5)
        #expect(
            String(decoding: other, as: UTF8.self)
                == #"{ "stream":true, "model" : "a \"b\"" ,"options":{"num_predict":5,"model":"x"},"messages":[{"model":"fast"}]}"#
        )
    }

    @Test func `tells what must be known of it`() throws {
        let body = #"{"model":"m","tools":[{}],"system":"abc","messages":[1]}"#
        let request = try PostedRequest(Array(body.utf8), to: .chat)
        #expect(request.isStreamed && request.hasTools && request.promptBytes == 8)
        #expect(String(decoding: request.prompt, as: UTF8.self) == #""abc","messages":[1]}"#)
        let whole = try PostedRequest(Array(#"{"model":"m","tools":[]}"#.utf8), to: .chatCompletions)
        #expect(!whole.isStreamed && !whole.hasTools)
        let streamed = try PostedRequest(Array(#"{"model":"m","stream":true}"#.utf8), to: .messages)
        #expect(streamed.isStreamed)
        let not = try PostedRequest(Array(#"{"model":"m","stream":false}"#.utf8), to: .generate)
        #expect(!not.isStreamed)
    }

    @Test func `may name its model as Ollama did before, if it does not ask it`() throws {
        let shown = try PostedRequest(Array(#"{"name":"m"}"#.utf8), to: nil)
        #expect(shown.model.string == "m")
        let other = try shown.body(model: JSONText("n"), maxTokens: nil)
        #expect(String(decoding: other, as: UTF8.self) == #"{"name":"n"}"#)
        let both = try PostedRequest(Array(#"{"name":"m","model":"n"}"#.utf8), to: nil)
        #expect(both.model.string == "n")
        #expect(throws: PostedRequest.Mistake.self) { try PostedRequest(Array(#"{"name":"m"}"#.utf8), to: .chat) }
    }

    static let mistakes: [(body: String, what: String)] = [
        ("", "malformed"), ("[]", "malformed"), (#"{"model":"m""#, "malformed"), (#"{"model":"m"} x"#, "malformed"),
        ("{}", "no model"), (#"{"model":null}"#, "no model"), (#"{"model":""}"#, "no model"),
        (#"{"model":1}"#, #"Give "model" as a string."#),
        (#"{"model":"a","model":"b"}"#, #"Give "model" once."#),
        (#"{"model":"a","mod\u0065l":"b"}"#, #"Give "model" once."#),
        (#"{"model":"a","Model":"b"}"#, #"Write the name "model" in lower case."#),
        (#"{"model":"a","max_to\u212Aens":1}"#, #"Write the name "max_tokens" in lower case."#),
        (#"{"model":"a","option\u017F":1}"#, #"Write the name "options" in lower case."#),
    ]

    @Test(arguments: mistakes)
    func `is refused if it can be read in two ways`(body: String, what: String) {
        do throws(PostedRequest.Mistake) {
            _ = try PostedRequest(Array(body.utf8), to: .chat)
            Issue.record("it is taken")
        } catch {
            switch error {
            case .malformed: #expect(what == "malformed")
            case .noModel: #expect(what == "no model")
            case .complaint(let sentence): #expect(sentence == what)
            case .tooManyTokens, .severalPrompts: Issue.record("\(error)")
            }
        }
    }

    @Test(arguments: [
        (
            #"{"model":"m","options":{"num_ctx":9},"messages":[],"keep_alive":"1h"}"#,
            #","options":{"num_ctx":9},"keep_alive":"1h""#
        ),
        (#"{"model":"m"}"#, ""), ("{", ""), (#"{"keep_alive":0}"#, ""), (#"{"keep_alive":"0s"}"#, ""),
        (#"{"keep_alive":-1}"#, #","keep_alive":-1"#), (#"{"keep_alive":"10m"}"#, #","keep_alive":"10m""#),
        (#"{"keep_alive":"0h5m"}"#, #","keep_alive":"0h5m""#),
    ])
    func `becomes a request that only loads its model`(body: String, rest: String) {
        let load = PostedRequest.loadBody(model: JSONText("a\"b"), as: Array(body.utf8))
        #expect(String(decoding: load, as: UTF8.self) == #"{"model":"a\"b","stream":false"# + rest + "}")
    }
}
