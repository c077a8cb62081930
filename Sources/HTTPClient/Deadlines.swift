/// How long a request to another server may take. A duration of zero means no limit.
public struct Deadlines: Sendable {
    /// For one address to take the connection.
    public var connect = Duration.seconds(5)
    /// From the request being sent to the response's first byte.
    public var firstByte = Duration.seconds(600)
    /// Between two reads of the response.
    public var idle = Duration.seconds(120)
    /// From the start to the response's last byte.
    public var total = Duration.seconds(1800)
    /// That a connection is kept for reuse. Not a deadline of a request.
    public var keepAlive = Duration.seconds(60)

    public init() {}
}
