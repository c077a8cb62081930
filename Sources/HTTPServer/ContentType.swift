/// The value of a Content-Type field.
public struct ContentType: Sendable {
    let field: StaticString

    /// - Parameter field: the whole value, such as `text/html; charset=utf-8`.
    public init(_ field: StaticString) { self.field = field }

    /// The whole value.
    package var value: String { "\(field)" }

    public static let text = Self("text/plain; charset=utf-8")
    public static let json = Self("application/json; charset=utf-8")
    public static let eventStream = Self("text/event-stream")
    public static let ndjson = Self("application/x-ndjson")
}
