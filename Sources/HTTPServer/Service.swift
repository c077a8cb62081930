/// What a `Server` asks for answers: one type that the rest of the program provides.
///
/// Belongs to the loop's thread, as does everything that it is given.
public protocol Service: AnyObject {
    /// Answers a request whose body is empty or means nothing (GET, HEAD), at once; `nil` leaves it to `handle`.
    ///
    /// Runs inside the server's callback: no task is made. It must not do anything slow.
    func respond(to request: borrowing RequestHead) -> Response?

    /// Answers a request. The task is cancelled when the client leaves.
    func handle(_ request: Request, _ reply: consuming Reply) async

    /// The server is finishing: no request comes any more but those on connections that are open.
    func serverIsDraining()
}

extension Service {
    public func serverIsDraining() {}
}
