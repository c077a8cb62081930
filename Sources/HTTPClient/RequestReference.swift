/// A weak reference to one request on a connection, for those who act on it from outside: an act on a request that is
/// over does nothing, though its connection may serve the next one.
///
/// `@unchecked Sendable`: both fields are immutable but for the runtime, which clears a weak reference atomically, and
/// `connection` is read on the loop's thread only, by `cancel` and `resume`. It is weak so that no other thread frees
/// the connection.
struct RequestReference: @unchecked Sendable {
    private weak var connection: Connection?
    private let number: Int

    init(_ connection: Connection) {
        self.connection = connection
        number = connection.requestNumber
    }

    /// The connection, while the request is not over.
    private var current: Connection? {
        guard let connection, connection.requestNumber == number else { return nil }
        return connection
    }

    /// Ends the request, and the connection with it.
    func cancel() { current?.fail(.cancelled) }

    /// Lets the response's body flow again, if it paused.
    func resume() { current?.resumeDelivery() }
}
