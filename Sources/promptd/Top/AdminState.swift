import FoundationEssentials

/// What the address for operators says at `/state`.
struct AdminState: Decodable, Sendable {
    struct Share: Decodable, Sendable {
        var open: Int?
        var used: Int?
        var limit: Int
    }

    struct Queue: Decodable, Sendable {
        struct Class: Decodable, Sendable {
            var name: String
            var waiting: Int
        }
        var waiting: Int
        var limit: Int
        var classes: [Class]
    }

    struct Totals: Decodable, Sendable {
        var prompts, answered, failed, cancelled, retries, fallbacks, outputTokens: Int
    }

    struct Backend: Decodable, Sendable {
        var url, api, breaker: String
        var inFlight, limit: Int
        var models, running: [String]
        var check: String?
    }

    struct Prompt: Decodable, Sendable {
        var id, phase: String
        var age: Double
        var firstToken: Double?
        var model: String?
        var client: String
        var backend: String?
        var outputTokens: Int
    }

    struct Tenant: Decodable, Sendable {
        var name: String
        var `class`: String
        var inFlight, inFlightLimit, waiting, tokens, tokensLimit, requests, requestsLimit, refused: Int
    }

    struct Failure: Decodable, Sendable {
        var age: Double
        var status: Int
        var model: String?
        var error: String
    }

    var version: String
    var now, uptime: Double
    var ready: String?
    var connections, bufferedBytes: Share
    var loopLag: Double
    var queue: Queue
    var totals: Totals
    var backends: [Backend]
    /// `nil` if there are none.
    var tenants: [Tenant]?
    var prompts: [Prompt]
    var promptsLeftOut: Int
    var failures: [Failure]

    /// - Throws: an error of `JSONDecoder` if it is no such state.
    init(_ json: [UInt8]) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Self.self, from: Data(json))
    }
}
