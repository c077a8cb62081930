import EventLoop

/// How long a request to another server may take. A duration of zero means no limit.
///
/// Kept as nanoseconds: each request that waits has some of these in its memory.
public struct Deadlines: Sendable {
    private var times = (connect: Int64(0), firstByte: Int64(0), idle: Int64(0), total: Int64(0), keepAlive: Int64(0))

    public init() {
        connect = .seconds(5)
        firstByte = .seconds(600)
        idle = .seconds(120)
        total = .seconds(1800)
        keepAlive = .seconds(60)
    }

    /// For the host's name to be looked up, and then for each address to take the connection.
    public var connect: Duration {
        get { .nanoseconds(times.connect) }
        set { times.connect = newValue.inNanoseconds }
    }

    /// From the request being sent to the response's first byte. Ollama is silent while it loads a model or has a
    /// queue.
    public var firstByte: Duration {
        get { .nanoseconds(times.firstByte) }
        set { times.firstByte = newValue.inNanoseconds }
    }

    /// Between two reads of the response, while the caller waits for them.
    public var idle: Duration {
        get { .nanoseconds(times.idle) }
        set { times.idle = newValue.inNanoseconds }
    }

    /// From the start, the looking up included, to the response's last byte.
    public var total: Duration {
        get { .nanoseconds(times.total) }
        set { times.total = newValue.inNanoseconds }
    }

    /// That a connection is kept for reuse. Not a deadline of a request.
    public var keepAlive: Duration {
        get { .nanoseconds(times.keepAlive) }
        set { times.keepAlive = newValue.inNanoseconds }
    }
}
