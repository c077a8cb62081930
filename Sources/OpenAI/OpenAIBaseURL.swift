package import Ollama

/// The address of a server with OpenAI's API, read from `OPENAI_BASE_URL` as OpenAI's own programs read it: requests go
/// to its path followed by `/chat/completions` and others. Source: README of openai-python, "Configuring the HTTP
/// client".
package struct OpenAIBaseURL: Equatable, Sendable {
    let address: OllamaHost

    /// The path before those of the API: usually `/v1`.
    var path: String { address.path }

    /// The address as a URL, always with its port.
    package var url: String { address.url }

    package var scheme: OllamaHost.Scheme { address.scheme }

    /// Reads a URL such as `http://127.0.0.1:8000/v1`. Without a path it is `/v1`, where all such servers have the API.
    ///
    /// - Throws: a sentence that says how to correct it. It does not repeat the value, which may contain a password.
    package init(parsing value: String) throws(Mistake) {
        guard value.contains("://") else { throw Mistake("\(Self.variable) has no scheme: begin it with http://.") }
        let parsed: (host: OllamaHost, warning: String?)
        do throws(OllamaHostError) {
            parsed = try OllamaHost.parse(value)
        } catch {
            throw Mistake(error.sentence(naming: Self.variable, key: "OPENAI_API_KEY"))
        }
        if parsed.warning != nil { throw Mistake("\(Self.variable) has a port that is not valid: give 1 to 65535.") }
        address = parsed.host.path.isEmpty ? parsed.host.with(path: "/v1") : parsed.host
    }

    private static let variable = "OPENAI_BASE_URL"

    /// Why a value is no such address.
    package struct Mistake: Error, Equatable, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }
}
