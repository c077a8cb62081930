internal import EventLoop
internal import Logging

/// Allows one log line a second. The next allowed line reports how many were withheld.
struct LogThrottle {
    private static let interval = Duration.seconds(1)
    private var next: LoopInstant?
    private var withheld = 0

    /// Whether the line may be written. If so, adds the number of withheld lines to `metadata`, if there are any.
    mutating func allows(at now: LoopInstant, _ metadata: inout Logger.Metadata) -> Bool {
        if let next, now < next {
            withheld += 1
            return false
        }
        next = now + Self.interval
        if withheld > 0 { metadata["withheld"] = "\(withheld)" }
        withheld = 0
        return true
    }
}
