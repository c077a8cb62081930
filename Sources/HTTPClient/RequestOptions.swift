/// What is special about one request. A class: each task that waits for a response keeps one word of it. Belongs to the
/// loop's thread.
package final class RequestOptions {
    /// Used in place of the origin's; `nil`: those.
    package let deadlines: Deadlines?
    /// Further fields, each with its CRLF.
    package let lines: [UInt8]
    /// Called when a connection was opened for the request, with how long that took.
    let onConnect: ((Duration) -> Void)?

    package init(deadlines: Deadlines? = nil, lines: [UInt8] = [], onConnect: ((Duration) -> Void)? = nil) {
        self.deadlines = deadlines
        self.lines = lines
        self.onConnect = onConnect
    }
}
