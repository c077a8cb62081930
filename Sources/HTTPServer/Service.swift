/// Answers the requests of a `Server`. The program provides one type that conforms to it.
///
/// Belongs to the loop's thread, and so do all its arguments.
public protocol Service: AnyObject {
    /// Answers at once a request whose body is empty or has no meaning (GET, HEAD). If it returns `nil`, `handle`
    /// answers the request.
    ///
    /// Runs inside the server's callback, without a task. It must not do anything slow.
    func respond(to request: borrowing RequestHead) -> Response?

    /// The methods that a resource has, for the answer to an OPTIONS request.
    ///
    /// Runs inside the server's callback, without a task. It must not do anything slow.
    func methods(for request: borrowing RequestHead) -> StaticString

    /// Further fields of the answer to an OPTIONS request, such as those that a browser asks for before it sends a
    /// page's request.
    ///
    /// Runs inside the server's callback, without a task. It must not do anything slow.
    func optionsFields(for request: borrowing RequestHead) -> [HeaderField]

    /// Judges a POST request by its head: by a key, or by its Content-Type. Returns the response that refuses it, or `nil`
    /// to receive its body and handle it.
    ///
    /// Called once for each, before `100 Continue` is sent; a body that is still to come is not received if the request
    /// is refused. Runs inside the server's callback, without a task. It must not do anything slow.
    func refusal(of request: borrowing RequestHead) -> Response?

    /// The response to a request that the server rejects: too long, too slow, or too much at once. `nil` for one with the
    /// sentence as plain text.
    ///
    /// - Parameters:
    ///   - path: the request's path, without query; `/` if its head was not valid.
    ///   - sentence: tells the client what to do.
    ///   - retryAfter: the seconds after which the client may try again.
    func rejection(at path: String, _ status: Status, _ sentence: String, retryAfter: Int?) -> Response?

    /// Answers a request. The task is cancelled when the client leaves.
    func handle(_ request: Request, _ reply: consuming Reply) async

    /// The server is shutting down: further requests come only on connections that are already open.
    func serverIsDraining()
}

extension Service {
    public func methods(for request: borrowing RequestHead) -> StaticString { Response.allowedMethods }
    public func optionsFields(for request: borrowing RequestHead) -> [HeaderField] { [] }
    public func refusal(of request: borrowing RequestHead) -> Response? { nil }
    public func rejection(at path: String, _ status: Status, _ sentence: String, retryAfter: Int?) -> Response? { nil }
    public func serverIsDraining() {}
}
