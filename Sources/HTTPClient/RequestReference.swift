/// A weak reference to one request on a connection, for cancelling or resuming it from outside. Once the request is
/// over, these do nothing, even if its connection already serves the next one.
///
/// `@unchecked Sendable`: both fields are immutable, except that the runtime clears the weak reference atomically, and
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

    /// Resumes the response's body, if it is paused.
    func resume() { current?.resumeDelivery() }
}
