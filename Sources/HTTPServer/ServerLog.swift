internal import CLibevent
internal import EventLoop
internal import Logging

/// The server's own log messages. Many clients at once must not fill the log: see `LogThrottle`.
///
/// Belongs to the loop's thread.
struct ServerLog {
    private let log: Logger
    private var rejections = LogThrottle()
    private var drops = LogThrottle()
    private var handshakes = LogThrottle()

    init(_ log: Logger) { self.log = log }

    /// A request was rejected.
    mutating func rejected(_ rejection: Rejection, _ reason: shim_reject, peer: String, at now: LoopInstant) {
        var metadata: Logger.Metadata = [
            "status": "\(rejection.status.code)", "cause": "\(rejection.cause)", "peer": "\(peer)",
        ]
        if reason == .SHIM_REJECT_TOO_MANY_CONNECTIONS || reason == .SHIM_REJECT_TOO_MANY_FROM_ADDRESS {
            guard rejections.allows(at: now, &metadata) else { return }
        }
        log.info("request rejected", metadata: metadata)
    }

    /// A client read only `taken` bytes of its reply within `interval` nanoseconds, and its connection is closed.
    mutating func dropped(peer: String, _ taken: Int, _ interval: Int64, at now: LoopInstant) {
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        guard drops.allows(at: now, &metadata) else { return }
        let time = interval % 1_000_000_000 == 0 ? "\(interval / 1_000_000_000) s" : "\(interval / 1_000_000) ms"
        let amount = taken == 0 ? "nothing" : "only \(taken) bytes"
        log.info("client dropped: it read \(amount) for \(time)", metadata: metadata)
    }

    /// A client and the server could not agree on TLS.
    mutating func handshakeFailed(peer: String, _ error: CInt, at now: LoopInstant) {
        var metadata: Logger.Metadata = ["peer": "\(peer)", "cause": "\(SystemError.description(of: error))"]
        guard handshakes.allows(at: now, &metadata) else { return }
        log.info("TLS handshake failed", metadata: metadata)
    }

    /// The service has dropped a reply without sending it.
    func replyMissing() { log.error("the function sent no reply: this is a bug in the function") }

    /// accept(2) failed with `error`.
    func acceptFailed(_ error: CInt, connections: Int) {
        log.error(
            "cannot accept connections; retrying until it works",
            metadata: ["cause": "\(SystemError.description(of: error))", "connections": "\(connections)"])
    }

    /// accept(2) works again.
    func acceptRecovered(connections: Int) {
        log.notice("accepting connections again", metadata: ["connections": "\(connections)"])
    }
}
