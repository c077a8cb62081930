import ArgumentParser
import EventLoop
import HTTPClient
import Ollama
import OpenAI
import PromptFunction

/// Options for the backends, and for how long a request to them may take.
struct OllamaOptions: ParsableArguments {
    @Option(
        help: "The address of Ollama, or a comma-separated list of several. [OLLAMA_HOST] (default: 127.0.0.1:11434)")
    var ollamaHost: String?

    @Option(
        help: """
            The address of a server with OpenAI's API, such as vLLM or llama.cpp's, or a comma-separated list of several. \
            Ollama is asked too if its address is given. [OPENAI_BASE_URL] (default: none)
            """)
    var openaiBaseURL: String?

    @Option(
        help: """
            A file of certificates that are trusted when Ollama's address begins with https://. (default: those of the system)
            """)
    var caFile: String?

    @Option(help: "A file with the certificate that promptd shows to servers with https://. (default: none)")
    var clientCert: String?

    @Option(help: "The file with the key of --client-cert. (default: none)")
    var clientKey: String?

    @Option(help: "The model to ask when a request names none. (default: llama3.2:1b)")
    var model: String?

    @Option(
        help: "How long one of Ollama's addresses may take to accept a connection. (default: 5s)",
        transform: DurationArgument.init(flag:))
    var connectTimeout: DurationArgument?

    @Option(
        help: """
            How long Ollama may take until it sends the first token, or begins a whole answer; the time to load the model \
            counts. (default: 10m)
            """, transform: DurationArgument.init(flag:))
    var firstTokenTimeout: DurationArgument?

    @Option(
        help: "How long Ollama may be silent between two tokens. (default: 2m)", transform: DurationArgument.init(flag:)
    )
    var idleTimeout: DurationArgument?

    @Option(
        help: "How long Ollama may take for a whole answer. (default: 30m)", transform: DurationArgument.init(flag:))
    var totalTimeout: DurationArgument?

    @Option(
        help:
            "How long a stream of server-sent events may be silent before it gets a comment; 0 for no comments. (default: 15s)",
        transform: DurationArgument.init(flag:))
    var heartbeat: DurationArgument?

    /// - Returns: settings, and warnings about the hosts.
    func settings() throws -> (PromptFunction.Settings, warnings: [String]) {
        let openAIHosts = try Self.openAIHosts(openaiBaseURL ?? Environment.text("OPENAI_BASE_URL"))
        let list = ollamaHost ?? Environment.text("OLLAMA_HOST")
        var (hosts, warnings) = list == nil && !openAIHosts.isEmpty ? ([], []) : try Self.hosts(list)
        var settings = PromptFunction.Settings(hosts: hosts)
        settings.openAIHosts = openAIHosts
        settings.apiKey = try Self.key("OLLAMA_API_KEY")
        settings.openAIKey = try Self.key("OPENAI_API_KEY")
        let isTLS = hosts.contains { $0.scheme == .https } || openAIHosts.contains { $0.scheme == .https }
        settings.tls = try tls(isNeeded: isTLS)
        let ownModel = model ?? Environment.text("PROMPTD_MODEL")
        if ownModel == nil && hosts.isEmpty {
            warnings.append(
                "Requests that name no model ask '\(settings.model)', which is a name of Ollama's: give --model one of the server's."
            )
        }
        settings.model = ownModel ?? settings.model
        settings.heartbeat = try Environment.duration(heartbeat, "heartbeat", default: settings.heartbeat)
        settings.deadlines = try deadlines()
        return (settings, warnings)
    }

    /// What TLS trusts. Files that are named are read even if no host needs them, so that mistakes are found.
    private func tls(isNeeded: Bool) throws -> TLSClientContext? {
        let file = caFile ?? Environment.text("PROMPTD_CA_FILE")
        let certificate = clientCert ?? Environment.text("PROMPTD_CLIENT_CERT")
        let key = clientKey ?? Environment.text("PROMPTD_CLIENT_KEY")
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("Give both --client-cert and --client-key, or neither.")
        }
        guard isNeeded || file != nil || certificate != nil else { return nil }
        var identity: TLSClientContext.Identity?
        if let certificate, let key { identity = .init(certificateFile: certificate, keyFile: key) }
        do throws(TLSMistake) {
            return try TLSClientContext(caFile: file, identity: identity)
        } catch {
            throw ValidationError("For https://, \(error): see --ca-file, --client-cert and --client-key.")
        }
    }

    private static func key(_ variable: String) throws -> String? {
        guard let key = Environment.text(variable) else { return nil }
        guard RequestTemplate.canSend(key) else {
            throw ValidationError("\(variable) has a control character, such as a line end: remove it.")
        }
        return key
    }

    /// Parses no address, one, or several separated by commas.
    static func openAIHosts(_ list: String?) throws -> [OpenAIBaseURL] {
        let entries = (list ?? "").split(separator: ",").filter { $0.contains { !$0.isWhitespace } }
        var hosts: [OpenAIBaseURL] = []
        for (index, entry) in entries.enumerated() {
            let which = entries.count > 1 ? "Address \(index + 1) of \(entries.count): " : ""
            let host: OpenAIBaseURL
            do throws(OpenAIBaseURL.Mistake) {
                host = try OpenAIBaseURL(parsing: String(entry))
            } catch {
                throw ValidationError("\(which)\(error)")
            }
            if !hosts.contains(host) { hosts.append(host) }
        }
        return hosts
    }

    /// Parses one address, or several separated by commas.
    static func hosts(_ list: String?) throws -> ([OllamaHost], warnings: [String]) {
        let entries = (list ?? "").split(separator: ",").filter { $0.contains { !$0.isWhitespace } }
        var hosts: [OllamaHost] = []
        var warnings: [String] = []
        for (index, entry) in (entries.isEmpty ? [""] : entries).enumerated() {
            // Named by its position, because the address may contain a password.
            let which = entries.count > 1 ? "Address \(index + 1) of \(entries.count): " : ""
            let (host, warning) = try parse(entry, which)
            if let warning { warnings.append(which + warning) }
            if !hosts.contains(where: { $0.url == host.url }) { hosts.append(host) }
        }
        return (hosts, warnings)
    }

    private static func parse(_ entry: Substring, _ which: String) throws -> (OllamaHost, warning: String?) {
        let parsed: (host: OllamaHost, warning: String?)
        do throws(OllamaHostError) {
            parsed = try OllamaHost.parse(String(entry))
        } catch {
            throw ValidationError("\(which)\(error)")
        }
        return parsed
    }

    private func deadlines() throws -> Deadlines {
        var deadlines = Deadlines()
        deadlines.connect = try Environment.duration(connectTimeout, "connect-timeout", default: deadlines.connect)
        deadlines.firstByte = try Environment.duration(
            firstTokenTimeout, "first-token-timeout", default: deadlines.firstByte)
        deadlines.idle = try Environment.duration(idleTimeout, "idle-timeout", default: deadlines.idle)
        deadlines.total = try Environment.duration(totalTimeout, "total-timeout", default: deadlines.total)
        return deadlines
    }
}
