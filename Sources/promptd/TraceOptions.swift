import ArgumentParser
import HTTPClient
import PromptFunction

/// Options for traces.
struct TraceOptions: ParsableArguments {
    @Option(
        help: """
            The URL of a collector of OpenTelemetry's, such as http://127.0.0.1:4318: spans of prompts are sent to its /v1/traces. \
            OTEL_EXPORTER_OTLP_HEADERS has further fields, such as a key. [OTEL_EXPORTER_OTLP_ENDPOINT] (default: none)
            """)
    var otlpEndpoint: String?

    @Option(
        help: """
            The share of prompts whose spans are sent, from 0 to 1. For prompts that belong to a client's trace, that trace \
            decides. (default: 1)
            """)
    var traceSample: Double?

    @Option(
        help:
            "The name of the service in traces, and in logs of --log-format otel. [OTEL_SERVICE_NAME] (default: promptd)"
    )
    var serviceName: String?

    /// The name of the service in traces and logs.
    var service: String { serviceName ?? Environment.text("OTEL_SERVICE_NAME") ?? "promptd" }

    /// `nil`: no spans are sent.
    func settings() throws -> TraceSettings? {
        let ratio = try Environment.setting(
            traceSample, Environment.name(of: "trace-sample"), "a number from 0 to 1", default: 1)
        guard (0...1).contains(ratio) else { throw ValidationError("Give --trace-sample a number from 0 to 1.") }
        let fields = try Self.fields(Environment.text("OTEL_EXPORTER_OTLP_HEADERS") ?? "")
        guard let endpoint = otlpEndpoint ?? Environment.text("OTEL_EXPORTER_OTLP_ENDPOINT") else { return nil }
        let server = try ServerURL(endpoint, how: "--otlp-endpoint http://HOST:PORT")
        var settings = TraceSettings(
            host: server.host, port: server.port, tls: server.tls, authority: server.authority,
            path: server.path + "/v1/traces", version: Promptd.version)
        settings.ratio = ratio
        settings.service = service
        settings.fields = fields
        return settings
    }

    /// Reads `name=value,name=value`. Source: OpenTelemetry Protocol Exporter, "Specifying headers via environment
    /// variables".
    private static func fields(_ list: String) throws -> [(String, String)] {
        try list.split(separator: ",").map { entry in
            let parts = entry.split(separator: "=", maxSplits: 1).map { part in
                String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            let isToken = parts.first?.utf8.allSatisfy { byte in
                Character(Unicode.Scalar(byte)).isLetter || (0x30...0x39).contains(byte) || "-_.".utf8.contains(byte)
            }
            guard parts.count == 2, isToken == true, !parts[0].isEmpty,
                RequestTemplate.canSend(PercentCoding.decode(parts[1]))
            else {
                throw ValidationError(
                    "OTEL_EXPORTER_OTLP_HEADERS is not a list of NAME=VALUE, separated by commas: correct it.")
            }
            return (parts[0], PercentCoding.decode(parts[1]))
        }
    }
}
