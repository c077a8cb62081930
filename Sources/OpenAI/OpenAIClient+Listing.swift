internal import APIs
internal import EventLoop
internal import JSON
package import HTTPClient
package import Ollama

/// What the server has, by its own list of models.
extension OpenAIClient {
    /// The servers with this API keep all models loaded that they list. So the last list stands for those that run; for
    /// them the server's health is asked for, if it has a path for that.
    package func models(_ list: ModelList, deadlines: Deadlines) async throws(OllamaError) -> [String]? {
        if case .running = list {
            try await checkHealth(deadlines)
            return listed
        }
        let (head, body) = try await origin.fetch(template("GET", "/v1/models"), nil, deadlines: deadlines)
        if head.status >= 500 { throw .refused(status: head.status, message: "", retryAfter: nil) }
        guard head.status == 200 else {
            listed = nil
            return nil
        }
        listed = await work.run(weight: body.count) { OpenAIModels(body)?.names }
        return listed
    }

    /// - Throws: `OllamaError` if the server says that it is not well, as while it loads its model.
    private func checkHealth(_ deadlines: Deadlines) async throws(OllamaError) {
        let root = base.path.hasSuffix("/v1") ? String(base.path.dropLast("/v1".count)) : base.path
        let template = RequestTemplate("GET", path: root + "/health", host: base.address.hostHeader, fields: fields)
        let (head, _) = try await origin.fetch(template, nil, deadlines: deadlines)
        // Gateways have no such path, and some say so with 501.
        if head.status >= 500 && head.status != 501 {
            throw .refused(status: head.status, message: "", retryAfter: nil)
        }
    }

    package func fetch(
        _ method: String, _ path: String, _ body: Payload?, lines: [UInt8], deadlines: Deadlines
    ) async throws(OllamaError) -> (head: ForwardedHead, body: [UInt8]) {
        guard path.hasPrefix("/api/") else {
            return try await origin.fetch(template(method, path).adding(lines), body, deadlines: deadlines)
        }
        if path == "/api/version" { return Self.reply(200, Array("{\"version\":\"0.0.0\"}".utf8)) }
        let reply = try await origin.fetch(template("GET", "/v1/models"), nil, deadlines: deadlines)
        guard reply.head.status == 200 else {
            let error = unsafe reply.body.withUnsafeBytes { unsafe ReportedError(openAI: $0) }
            let words = error.map { ": \($0.message.cut(to: 500))" } ?? "."
            return Self.reply(502, API.ollama.errorBody(status: 502, "The model server lists no models\(words)"))
        }
        let (status, json) = await work.run(weight: reply.body.count) {
            Self.ollamas(path, OpenAIModels(reply.body), body?.copy())
        }
        return Self.reply(status, json)
    }

    /// Ollama's reply at `path`, by what the server lists.
    private static func ollamas(_ path: String, _ models: OpenAIModels?, _ body: [UInt8]?) -> (Int, [UInt8]) {
        guard let models else { return (502, API.ollama.errorBody(status: 502, "The list of models is malformed.")) }
        guard path == "/api/show" else { return (200, path == "/api/ps" ? models.running : models.tags) }
        guard let body, let wanted = try? PostedRequest(body, to: nil).model.string,
            ListedName.find(wanted, in: models.names) != nil
        else {
            return (404, API.ollama.errorBody(status: 404, "model not found"))
        }
        return (200, OpenAIModels.details)
    }

    private static func reply(_ status: Int, _ body: [UInt8]) -> (head: ForwardedHead, body: [UInt8]) {
        let lines = Array("Content-Type: application/json; charset=utf-8\r\n".utf8)
        return (ForwardedHead(status: status, fieldLines: lines, length: body.count), body)
    }
}
