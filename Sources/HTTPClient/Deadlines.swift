import EventLoop

/// How long a request to another server may take. A duration of zero means no limit.
///
/// A duration is rounded up to milliseconds, and is 49 days at most: each waiting request holds some of these.
public struct Deadlines: Sendable {
    private var times = (
        connect: UInt32(0), firstByte: UInt32(0), idle: UInt32(0), total: UInt32(0), keepAlive: UInt32(0)
    )

    public init() {
        connect = .seconds(5)
        firstByte = .seconds(600)
        idle = .seconds(120)
        total = .seconds(1800)
        keepAlive = .seconds(60)
    }

    /// The time for looking up the host's name, and then for connecting to each address.
    public var connect: Duration {
        get { .milliseconds(times.connect) }
        set { times.connect = Self.milliseconds(newValue) }
    }

    /// The time from sending the request to the response's first byte. Ollama sends nothing while it loads a model or
    /// the request is in its queue.
    public var firstByte: Duration {
        get { .milliseconds(times.firstByte) }
        set { times.firstByte = Self.milliseconds(newValue) }
    }

    /// The time between two reads of the response, while the caller waits for them.
    public var idle: Duration {
        get { .milliseconds(times.idle) }
        set { times.idle = Self.milliseconds(newValue) }
    }

    /// The time from the start, including the name lookup, to the response's last byte.
    public var total: Duration {
        get { .milliseconds(times.total) }
        set { times.total = Self.milliseconds(newValue) }
    }

    /// How long an idle connection is kept for reuse. This is not a deadline of a request.
    public var keepAlive: Duration {
        get { .milliseconds(times.keepAlive) }
        set { times.keepAlive = Self.milliseconds(newValue) }
    }

    private static func milliseconds(_ duration: Duration) -> UInt32 {
        let (seconds, attoseconds) = duration.components
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return UInt32(clamping: min(seconds, Int64(UInt32.max)) * 1000 + rest)
    }
}
