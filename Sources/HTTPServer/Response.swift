internal import FoundationEssentials

/// A whole response.
public struct Response: Sendable {
    public var status: Status
    /// The value of the Content-Type field.
    public var contentType: ContentType
    /// The body; a response to HEAD is sent without it. It is copied, so it should fit into memory twice.
    public var body: [UInt8]
    /// Further header fields, sent in this order.
    public var fields: [HeaderField] = []
    /// Fields that the service has written as lines, each with its CRLF, sent after those. It vouches for them.
    package var fieldLines: [UInt8] = []
    /// Seconds after which the client may try again, for the Retry-After field; at least 0.
    /// Source: RFC 9110, 10.2.3.
    public var retryAfter: Int?
    /// The methods that are allowed, for a 405 or an answer to OPTIONS. Source: RFC 9110, 10.2.1.
    public var allow: StaticString?

    /// Makes a response; without arguments but a body, 200 with text.
    public init(_ status: Status = .ok, _ contentType: ContentType = .text, body: [UInt8], retryAfter: Int? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.retryAfter = retryAfter
    }

    /// The methods of most resources.
    package static let allowedMethods: StaticString = "GET, HEAD, OPTIONS, POST"

    /// Says which methods to use.
    static func sentence(about methods: StaticString) -> String {
        var names = "\(methods)".components(separatedBy: ", ")
        let last = names.removeLast()
        return "Use \(names.isEmpty ? last : "\(names.joined(separator: ", ")) or \(last)")."
    }

    /// The response to a method that the server does not know, or that it accepts and the service does not.
    package static var methodNotAllowed: Response {
        var response = failure(.methodNotAllowed, sentence(about: allowedMethods))
        response.allow = allowedMethods
        return response
    }

    /// The answer to OPTIONS, which load balancers use as a health check. Source: RFC 9110, 9.3.7.
    static let options: Self = {
        var response = Self(.noContent, body: [])
        response.allow = allowedMethods
        return response
    }()

    /// Text, in UTF-8, without a line end.
    public static func text(_ text: String) -> Self { Self(body: Array(text.utf8)) }

    /// Text with another status than 200.
    public static func text(_ status: Status, _ text: String) -> Self { Self(status, body: Array(text.utf8)) }

    /// An error described in one sentence: as text, or as `{"error": "…"}`.
    public static func failure(_ status: Status, _ sentence: String, asJSON: Bool = false, retryAfter: Int? = nil)
        -> Self
    {
        guard asJSON, let json = try? JSONEncoder().encode(["error": sentence]) else {
            return Self(status, body: Array((sentence + "\n").utf8), retryAfter: retryAfter)
        }
        return Self(status, .json, body: Array(json), retryAfter: retryAfter)
    }
}
