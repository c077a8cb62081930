import EventLoop
internal import FoundationEssentials
public import HTTPClient

/// A list of Ollama's models: those it has, or those it has loaded. Source: Ollama's docs/api, "List Local Models",
/// "List Running Models".
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

    /// The model names in a list; `nil` when the JSON is not such a list.
    static func names(_ json: [UInt8]) -> [String]? {
        guard let listing = try? JSONDecoder().decode(Listing.self, from: Data(json)) else { return nil }
        return (listing.models ?? []).compactMap { $0.model ?? $0.name }
    }
}

extension OllamaClient {
    /// Returns the model names in a list. Does not run or load any model.
    ///
    /// - Returns: `nil` when Ollama answers, but not with such a list.
    /// - Throws: `OllamaError` when it does not answer, or fails.
    public func models(_ list: ModelList, deadlines: Deadlines) async throws(OllamaError) -> [String]? {
        let reply: (status: Int, body: [UInt8])
        do throws(ClientError) {
            reply = try await origin.withResponse(
                to: template(for: list), options: RequestOptions(deadlines: deadlines)
            ) {
                response throws(ClientError) in
                (response.head.status, try await response.body(upTo: Self.listingLimit))
            }
        } catch {
            throw .transport(error)
        }
        if reply.status >= 500 { throw .refused(status: reply.status, message: "", retryAfter: nil) }
        guard reply.status == 200 else { return nil }
        return await work.run(weight: reply.body.count) { ModelList.names(reply.body) }
    }
}
