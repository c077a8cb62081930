/// Takes a response's body as it comes, inside the read's own callback: for streams, where waking a task for each piece
/// would cost more than the piece itself.
///
/// Belongs to the loop's thread.
package protocol BodySink: AnyObject {
    /// The next bytes of the body, which are gone when it returns. Never empty.
    func receive(_ bytes: UnsafeRawBufferPointer)

    /// All of one read was given: the moment to pass on what was made of it.
    func settle() -> BodyDemand
}

/// What a sink wants next.
package enum BodyDemand: Sendable {
    /// More, as soon as there is some.
    case more
    /// Nothing until `BodyFlow.resume`: the socket is not read meanwhile, and silence is not counted.
    case pause
    /// Only the end of the body, which should be near.
    case end
    /// Nothing any more: the connection is closed.
    case stop
}

/// Lets a body that paused flow again. Belongs to the loop's thread; does nothing once the response is over.
public struct BodyFlow {
    private let request: RequestReference

    init(_ connection: Connection) { request = RequestReference(connection) }

    /// Has the body delivered again.
    public func resume() { request.resume() }
}
