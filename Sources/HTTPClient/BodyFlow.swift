/// Resumes a body that was paused. Belongs to the loop's thread; does nothing once the response is over.
package struct BodyFlow {
    private let request: RequestReference

    init(_ connection: Connection) { request = RequestReference(connection) }

    /// Resumes the delivery of the body.
    package func resume() { request.resume() }
}
