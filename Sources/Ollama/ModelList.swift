import EventLoop
internal import FoundationEssentials
public import HTTPClient

/// What Ollama lists: the models that it has, or those that it has loaded. Source: Ollama's docs/api, "List Local
/// Models", "List Running Models".
public enum ModelList: Sendable {
    /// `/api/tags`.
    case local
    /// `/api/ps`.
    case running

    var path: String {
        switch self {
        case .local: "/api/tags"
        case .running: "/api/ps"
        }
    }

    private struct Listing: Decodable {
        struct Model: Decodable {
            var name: String?
            var model: String?
        }

        var models: [Model]?
    }

    /// The names in a listing; `nil` when it is none.
    static func names(_ json: [UInt8]) -> [String]? {
        guard let listing = try? JSONDecoder().decode(Listing.self, from: Data(json)) else { return nil }
        return (listing.models ?? []).compactMap { $0.model ?? $0.name }
    }
}

extension OllamaClient {
    /// Bytes of a listing: some thousand models.
    private static let listLimit = 8 * 1024 * 1024

    /// The names in a listing. Runs no model, and loads none.
    ///
    /// - Returns: `nil` when Ollama answers, but not with such a listing.
    /// - Throws: `OllamaError` when it does not answer, or fails.
    public func models(_ list: ModelList, deadlines: Deadlines) async throws(OllamaError) -> [String]? {
        let reply: (status: Int, body: [UInt8])
        do throws(ClientError) {
            reply = try await origin.withResponse(to: template(for: list), deadlines: deadlines) {
                response throws(ClientError) in
                (response.head.status, try await response.body(upTo: Self.listLimit))
            }
        } catch {
            throw .transport(error)
        }
        if reply.status >= 500 { throw .refused(status: reply.status, message: "", retryAfter: nil) }
        guard reply.status == 200 else { return nil }
        return await work.run(weight: reply.body.count) { ModelList.names(reply.body) }
    }
}
