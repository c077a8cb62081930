import ArgumentParser
import Glibc
import HTTPClient
import JSON

/// `promptd ask`
struct Ask: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ask a running promptd and print the answer.")

    @Argument(help: "What to ask.")
    var prompt: String

    @Option(help: "The model to ask. (default: the server's)")
    var model: String?

    @Option(help: "The URL of promptd. [PROMPTD_URL] (default: http://127.0.0.1:8080)")
    var url: String?

    @Option(help: "The API key, if promptd wants one; better in PROMPTD_API_KEY, because other users see arguments.")
    var apiKey: String?

    @Option(help: "How long to wait for the answer; 0 for no limit.")
    var timeout: DurationArgument = DurationArgument(.zero)

    func run() throws {
        var request = try SingleRequest(url: url)
        if let key = apiKey ?? Environment.text("PROMPTD_API_KEY") {
            guard RequestTemplate.canSend(key) else {
                throw ValidationError("The API key has a control character: give it without line ends.")
            }
            request.fields = [("Authorization", "Bearer \(key)")]
        }
        var body = JSONWriter()
        body.put("{\"prompt\":")
        body.put(quoted: prompt)
        if let model {
            body.put(",\"model\":")
            body.put(quoted: model)
        }
        body.put("}")
        let (status, answer) = try request.send("POST", to: "/", payload: Payload(body.bytes), within: timeout.duration)
        let text = String(decoding: answer, as: UTF8.self)
        guard status == 200 else {
            throw StartError("promptd answered \(status): \(text.split(separator: "\n").joined(separator: " "))")
        }
        print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
    }
}
