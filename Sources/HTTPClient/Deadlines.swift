import EventLoop

/// How long a request to another server may take. A duration of zero means no limit.
///
/// Stored as nanoseconds to save memory: each waiting request holds some of these.
public struct Deadlines: Sendable {
    private var times = (connect: Int64(0), firstByte: Int64(0), idle: Int64(0), total: Int64(0), keepAlive: Int64(0))

    public init() {
        connect = .seconds(5)
        firstByte = .seconds(600)
        idle = .seconds(120)
        total = .seconds(1800)
        keepAlive = .seconds(60)
    }

    /// The time for looking up the host's name, and then for connecting to each address.
    public var connect: Duration {
        get { .nanoseconds(times.connect) }
        set { times.connect = newValue.inNanoseconds }
    }

    /// The time from sending the request to the response's first byte. Ollama sends nothing while it loads a model or
    /// the request is in its queue.
    public var firstByte: Duration {
        get { .nanoseconds(times.firstByte) }
        set { times.firstByte = newValue.inNanoseconds }
    }

    /// The time between two reads of the response, while the caller waits for them.
    public var idle: Duration {
        get { .nanoseconds(times.idle) }
        set { times.idle = newValue.inNanoseconds }
    }

    /// The time from the start, including the name lookup, to the response's last byte.
    public var total: Duration {
        get { .nanoseconds(times.total) }
        set { times.total = newValue.inNanoseconds }
    }

    /// How long an idle connection is kept for reuse. This is not a deadline of a request.
    public var keepAlive: Duration {
        get { .nanoseconds(times.keepAlive) }
        set { times.keepAlive = newValue.inNanoseconds }
    }
}
