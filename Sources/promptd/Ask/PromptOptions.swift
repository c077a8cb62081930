import ArgumentParser
import HTTPClient

/// Options for the commands that ask a running promptd.
struct PromptOptions: ParsableArguments {
    @Option(help: "The model to ask. (default: the server's)")
    var model: String?

    @Option(help: "The URL of promptd. [PROMPTD_URL] (default: http://127.0.0.1:8080)")
    var url: String?

    @Option(help: "The API key, if promptd wants one; better in PROMPTD_API_KEY, because other users see arguments.")
    var apiKey: String?

    @Option(help: "How long to wait for the answer; 0 for no limit.")
    var timeout: DurationArgument = DurationArgument(.zero)

    @Flag(help: "Say at the end, on standard error, how many tokens there were and how long they took.")
    var stats = false

    /// The request, without its body.
    func request() throws -> SingleRequest {
        var request = try SingleRequest(url: url)
        if let key = apiKey ?? Environment.text("PROMPTD_API_KEY") {
            guard RequestTemplate.canSend(key) else {
                throw ValidationError("The API key has a control character: give it without line ends.")
            }
            request.fields = [("Authorization", "Bearer \(key)")]
        }
        return request
    }
}
