public import HTTPServer

/// Whether a function is well, and why not.
public enum Health: Sendable, Equatable {
    case healthy
    /// One sentence for the body of the 503.
    case unhealthy(String)
}

/// A function as Knative Functions know it: started and stopped by its host, asked for its health, and handed requests.
///
/// To write another function, write one type that conforms to this and give it to a `Server`. GET and HEAD are answered
/// without it, as are the health checks; what has a body comes to `handle`.
///
/// Belongs to the loop's thread. Source: func-python's `Function` protocol.
public protocol Function: Service {
    /// Called once, before the first request.
    func start() async throws

    /// Called once, after the last request was answered, or when there is no more time for it.
    func stop() async

    /// Whether the process should live on: 503 has the platform restart it.
    func alive() -> Health

    /// Whether requests should be sent here: 503 has the platform send them elsewhere.
    func ready() -> Health
}

extension Function {
    public func start() async throws {}
    public func stop() async {}
    public func alive() -> Health { .healthy }
    public func ready() -> Health { .healthy }

    /// The health checks, and `OK` for any other GET or HEAD.
    public func respond(to request: borrowing RequestHead) -> Response? {
        guard request.method != .post else { return nil }
        if request.isPath("/health/liveness") { return alive().response("Alive") }
        if request.isPath("/health/readiness") { return ready().response("Ready") }
        return .text("OK")
    }
}

extension Health {
    fileprivate func response(_ whenHealthy: String) -> Response {
        switch self {
        case .healthy: .text(whenHealthy)
        case .unhealthy(let reason): .text(.serviceUnavailable, reason)
        }
    }
}
