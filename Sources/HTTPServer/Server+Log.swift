internal import CLibevent
import EventLoop
import Logging

/// The server's own log messages. Many clients at once must not fill the log: see `LogThrottle`.
extension Server {
    /// A request was rejected.
    func note(_ rejection: Rejection, _ reason: shim_reject, _ exchange: OpaquePointer) {
        var metadata: Logger.Metadata = [
            "status": "\(rejection.response.status.code)", "cause": "\(rejection.cause)",
            "peer": unsafe "\(Fields.peer(exchange))",
        ]
        if reason == .SHIM_REJECT_TOO_MANY_CONNECTIONS || reason == .SHIM_REJECT_TOO_MANY_FROM_ADDRESS {
            guard rejectionThrottle.allows(at: loop.now, &metadata) else { return }
        }
        log.info("request rejected", metadata: metadata)
    }

    /// A client read its reply too slowly, and its connection is closed.
    func noteDrop(_ exchange: OpaquePointer, _ taken: Int, _ interval: Int64) {
        var metadata: Logger.Metadata = ["peer": unsafe "\(Fields.peer(exchange))"]
        guard dropThrottle.allows(at: loop.now, &metadata) else { return }
        let time = interval % 1_000_000_000 == 0 ? "\(interval / 1_000_000_000) s" : "\(interval / 1_000_000) ms"
        let amount = taken == 0 ? "nothing" : "only \(taken) bytes"
        log.info("client dropped: it read \(amount) for \(time)", metadata: metadata)
    }

    /// The service has dropped a reply without sending it.
    func noteMissingReply() { log.error("the function sent no reply: this is a bug in the function") }

    func acceptFailed(_ error: CInt) {
        log.error(
            "cannot accept connections; retrying until it works",
            metadata: ["cause": "\(SystemError.description(of: error))", "connections": "\(connections)"])
    }

    func acceptRecovered() { log.notice("accepting connections again", metadata: ["connections": "\(connections)"]) }
}

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
