import Testing

@testable import OpenAI

@Suite struct `OpenAI's base URL` {
    @Test(arguments: [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1", "/v1"),
        ("http://vllm:8000", "http://vllm:8000/v1", "/v1"), ("http://vllm/", "http://vllm:80/v1", "/v1"),
        (" \"http://a/openai/v1/\" ", "http://a:80/openai/v1", "/openai/v1"),
        ("https://[::1]:8443/x", "https://[::1]:8443/x", "/x"),
    ])
    func `is read with its path`(value: String, url: String, path: String) throws {
        let base = try OpenAIBaseURL(parsing: value)
        #expect(base.url == url && base.path == path)
    }

    @Test(arguments: [
        ("127.0.0.1:8000/v1", "has no scheme: begin it with http://"), ("", "has no scheme"),
        ("ftp://a/v1", "has no valid scheme"), ("http://a:0/v1", "has a port that is not valid"),
        ("http://me:secret@a/v1", "set OPENAI_API_KEY if the server needs a key"), ("http://a/v1?x", "has a query"),
    ])
    func `that is wrong is refused by a sentence that does not repeat it`(value: String, sentence: String) {
        do throws(OpenAIBaseURL.Mistake) {
            _ = try OpenAIBaseURL(parsing: value)
            Issue.record("accepted")
        } catch {
            #expect(error.description.hasPrefix("OPENAI_BASE_URL ") && error.description.contains(sentence))
            #expect(!error.description.contains("secret") && !error.description.contains("OLLAMA"))
        }
    }
}
