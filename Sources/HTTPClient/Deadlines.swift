/// How long a request to another server may take. A duration of zero means no limit.
public struct Deadlines: Sendable {
    /// For the host's name to be looked up, and then for each address to take the connection.
    public var connect = Duration.seconds(5)
    /// From the request being sent to the response's first byte. Ollama is silent while it loads a model or has a queue.
    public var firstByte = Duration.seconds(600)
    /// Between two reads of the response, while the caller waits for them.
    public var idle = Duration.seconds(120)
    /// From the start, the looking up included, to the response's last byte.
    public var total = Duration.seconds(1800)
    /// That a connection is kept for reuse. Not a deadline of a request.
    public var keepAlive = Duration.seconds(60)

    public init() {}
}
