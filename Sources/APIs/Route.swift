/// What a path of an API stands for.
package enum Route: Sendable, Equatable {
    /// A model is asked.
    case prompt(Endpoint)
    /// Something is listed, and no model is asked.
    case listing(Listing)
    /// What is installed would change.
    case modelChange(ModelChange)
    /// Another path of the API, which promptd does not serve.
    case unserved(API)

    /// Finds the route of a path without query; `nil` if it is of no API. Paths match exactly.
    package init?(_ path: String) {
        guard let start = path.utf8.dropFirst().first, start == UInt8(ascii: "a") || start == UInt8(ascii: "v") else {
            return nil
        }
        if let endpoint = Endpoint(rawValue: path) {
            self = .prompt(endpoint)
        } else if let listing = Listing(path) {
            self = .listing(listing)
        } else if let change = ModelChange(path) {
            self = .modelChange(change)
        } else if let api = UnservedPaths.api(of: path) {
            self = .unserved(api)
        } else {
            return nil
        }
    }

    package var api: API {
        switch self {
        case .prompt(let endpoint): endpoint.api
        case .listing(let listing): listing.api
        case .modelChange: .ollama
        case .unserved(let api): api
        }
    }

    /// A method of requests to it.
    package enum Method: Sendable {
        case get, head, post, delete
    }

    /// Whether requests to it have this method. HEAD goes where GET does.
    package func admits(_ method: Method) -> Bool {
        switch self {
        case .prompt, .listing(.show), .modelChange(.post): method == .post
        case .listing: method == .get || method == .head
        case .modelChange(.delete): method == .delete
        case .modelChange(.blob): method == .post || method == .head
        case .unserved: true
        }
    }

    /// The methods that it admits, for an Allow field. Source: RFC 9110, 10.2.1.
    package var allow: StaticString {
        switch self {
        case .prompt, .listing(.show), .modelChange(.post): "POST"
        case .listing: "GET, HEAD"
        case .modelChange(.delete): "DELETE"
        case .modelChange(.blob): "HEAD, POST"
        case .unserved: "GET, HEAD, POST"
        }
    }
}

/// A path of Ollama's API that changes which models are installed.
package enum ModelChange: Sendable {
    /// `/api/pull` and others, by a POST.
    case post
    /// `/api/delete`, by a DELETE.
    case delete
    /// `/api/blobs/DIGEST`: a HEAD asks for a file of a model, a POST sends it.
    case blob

    init?(_ path: String) {
        switch path {
        case "/api/pull", "/api/push", "/api/create", "/api/copy": self = .post
        case "/api/delete": self = .delete
        default:
            let prefix = "/api/blobs/sha256:"
            guard path.utf8.starts(with: prefix.utf8) else { return nil }
            let digest = path.utf8.dropFirst(prefix.utf8.count)
            guard digest.count == 64, digest.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
            else { return nil }
            self = .blob
        }
    }
}

/// A path of an API that lists something about the models, and asks none.
package enum Listing: Sendable, Equatable {
    /// `/api/tags`: the models of all hosts.
    case tags
    /// `/api/ps`: those that are loaded.
    case running
    /// `/api/version`.
    case version
    /// `/api/show`: one model, which the body names.
    case show
    /// `/v1/models`: the models of all hosts.
    case models
    /// `/v1/models/NAME`: one model. The name is as in the path, percent-encoded.
    case model(String)

    init?(_ path: String) {
        switch path {
        case "/api/tags": self = .tags
        case "/api/ps": self = .running
        case "/api/version": self = .version
        case "/api/show": self = .show
        case "/v1/models": self = .models
        default:
            let prefix = "/v1/models/"
            guard path.utf8.starts(with: prefix.utf8), path.utf8.count > prefix.utf8.count else { return nil }
            let name = String(path.dropFirst(prefix.count))
            guard !Self.hasDotSegment(name) else { return nil }
            self = .model(name)
        }
    }

    /// Whether a part of the name is `.` or `..`, also percent-encoded: it would leave the path at the host.
    private static func hasDotSegment(_ name: String) -> Bool {
        let plain = name.lowercased().replacing("%2e", with: ".").replacing("%2f", with: "/").replacing(
            "%5c", with: "/")
        return plain.split(whereSeparator: { $0 == "/" || $0 == "\\" }).contains { $0 == "." || $0 == ".." }
    }

    var api: API {
        switch self {
        case .tags, .running, .version, .show: .ollama
        case .models, .model: .openai
        }
    }
}
