/// A media type that a client can ask for in its Accept field. Source: RFC 9110, 8.3.1.
public struct MediaType: Sendable, Equatable {
    let type: String
    let subtype: String

    /// Both names must be in lower case, as in `MediaType("text", "plain")`.
    public init(_ type: String, _ subtype: String) {
        self.type = type
        self.subtype = subtype
    }

    public static let text = Self("text", "plain")
    public static let json = Self("application", "json")
    public static let eventStream = Self("text", "event-stream")
    public static let ndjson = Self("application", "x-ndjson")
}
