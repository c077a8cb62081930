/// Receives a response's body as it arrives, inside the read's callback. It is for streams, where waking a task for
/// each piece would cost more than handling the piece.
///
/// Belongs to the loop's thread.
package protocol BodySink: AnyObject {
    /// Receives the next bytes of the body. Never empty. The compiler rejects code that would keep the span.
    func receive(_ bytes: Span<UInt8>)

    /// Called after all bytes of one read were given, so that the sink can pass on its results.
    func endRead() -> BodyDemand
}

/// The sink's decision about what comes next.
package enum BodyDemand: Sendable {
    /// More, as soon as there is some.
    case more
    /// Nothing until `BodyFlow.resume`: meanwhile the socket is not read, and the idle timeout does not run.
    case pause
    /// Only the end of the body, which should be near.
    case end
    /// Nothing more: the connection is closed.
    case stop
}
