public import HTTPServer

/// The health of a function: healthy, or unhealthy with a reason.
public enum Health: Sendable, Equatable {
    case healthy
    /// The reason, one sentence, is the body of the 503 response.
    case unhealthy(String)
}

/// A function in the sense of Knative Functions: its host starts and stops it, checks its health, and passes requests
/// to it.
///
/// To write another function, write one type that conforms to this and give it to a `FunctionServer`. `respond` has a default
/// that answers GET, HEAD and the health checks; all other requests go to `handle`.
///
/// Belongs to the loop's thread. Source: func-python's `Function` protocol.
public protocol Function: Service {
    /// Called once, before the first request.
    func start() async throws

    /// Called once, after the last request was answered, or when the time for that is over.
    func stop() async

    /// Whether the process should keep running. If unhealthy, the reply is 503 and the platform restarts the process.
    func alive() -> Health

    /// Whether this process should receive requests. If unhealthy, the reply is 503 and the platform sends requests
    /// elsewhere.
    func ready() -> Health
}

extension Function {
    public func start() async throws {}
    public func stop() async {}
    public func alive() -> Health { .healthy }
    public func ready() -> Health { .healthy }

    public func respond(to request: borrowing RequestHead) -> Response? { respondToGet(request) }

    /// Answers the health checks, and `OK` to any other GET or HEAD; `nil` for other methods.
    public func respondToGet(_ request: borrowing RequestHead) -> Response? {
        guard request.method == .get || request.method == .head else { return nil }
        if request.isPath("/health/liveness") { return alive().response("Alive") }
        if request.isPath("/health/readiness") { return ready().response("Ready") }
        return .text("OK")
    }
}

extension Health {
    fileprivate func response(_ text: String) -> Response {
        switch self {
        case .healthy: .text(text)
        case .unhealthy(let reason): .text(.serviceUnavailable, reason)
        }
    }
}
