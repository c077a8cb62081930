package import APIs
package import HTTPClient

extension OllamaClient {
    /// Maximum bytes of a listing; enough for several thousand models.
    package static let listingLimit = 8 * 1024 * 1024

    package func forward(
        _ request: Payload, to path: String, _ kind: ForwardedKind, lines: [UInt8], to receiver: some ForwardReceiver,
        options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage {
        let template = kind.isAnswer ? template(for: path) : template(kind.method, path)
        return try await origin.forward(
            request, template.adding(lines), kind, to: receiver, options: options, readError: Self.error)
    }

    /// Reads the body of a refusal.
    private static func error(_ body: [UInt8]) -> ReportedError? {
        unsafe body.withUnsafeBytes { unsafe ReportedError(body: $0) }
    }

    package func fetch(
        _ method: String, _ path: String, _ body: Payload?, lines: [UInt8], deadlines: Deadlines
    ) async throws(OllamaError) -> (head: ForwardedHead, body: [UInt8]) {
        try await origin.fetch(template(method, path).adding(lines), body, deadlines: deadlines)
    }
}
