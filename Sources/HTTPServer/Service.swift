/// Answers the requests of a `Server`. The program provides one type that conforms to it.
///
/// Belongs to the loop's thread, and so do all its arguments.
public protocol Service: AnyObject {
    /// Answers at once a request whose body is empty or has no meaning (GET, HEAD). If it returns `nil`, `handle`
    /// answers the request.
    ///
    /// Runs inside the server's callback, without a task. It must not do anything slow.
    func respond(to request: borrowing RequestHead) -> Response?

    /// Answers a request. The task is cancelled when the client leaves.
    func handle(_ request: Request, _ reply: consuming Reply) async

    /// The server is shutting down: further requests come only on connections that are already open.
    func serverIsDraining()
}

extension Service {
    public func serverIsDraining() {}
}
