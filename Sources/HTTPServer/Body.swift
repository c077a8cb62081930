/// The body of a stream. If it is dropped without `end`, the connection is cut, so that the client sees that the body
/// is incomplete.
///
/// Belongs to the loop's thread.
public struct Body: ~Copyable {
    private let exchange: Exchange
    private let framing: BodyFraming
    /// Whether only the head is sent.
    private let isHead: Bool

    /// The number of bytes waiting in memory for a slow client above which the caller should stop sending.
    public static let backlogLimit = 64 * 1024

    init(_ exchange: Exchange) {
        self.exchange = exchange
        framing = exchange.framing
        isHead = exchange.isHead
    }

    // Here `end` was not called, so the body is cut. If it is chunked or has a length, what is missing shows this; if it
    // ends with the connection, only a reset shows it.
    deinit { exchange.cut(reset: framing == .close) }

    /// Sends a piece at once: one chunk, one system call. Does nothing when the client has left.
    ///
    /// - Returns: how many bytes wait in memory for the client to take them. Above `backlogLimit`, wait for
    ///   `onDrained`.
    @discardableResult
    public func write(_ piece: borrowing [UInt8]) -> Int {
        guard !piece.isEmpty, !isHead else { return 0 }
        return exchange.sendPiece(piece.span)
    }

    /// Sends the head without waiting for a piece.
    public func sendHead() { _ = exchange.sendPiece(Span()) }

    /// The number of bytes waiting in memory for a slow client, as of the last piece.
    public var backlog: Int { exchange.backlog }

    /// Calls `call` once, when the client has taken everything that was sent, or has left.
    public func onDrained(_ call: @escaping () -> Void) { exchange.onDrained(call) }

    /// Whether the client is still there. Once false, it stays false.
    public var isClientConnected: Bool { unsafe exchange.handle != nil }

    /// Sends a piece at once, and waits while the client is slow to take it. Does nothing when the client has left.
    public func send(_ piece: [UInt8]) async {
        if write(piece) > Self.backlogLimit { await exchange.waitUntilDrained() }
    }

    /// Completes the body; `last` is its last piece.
    public consuming func end(_ last: borrowing [UInt8] = []) {
        _ = exchange.sendPiece(isHead ? Span() : last.span, isLast: !isHead)
        exchange.finish(keepAlive: framing != .close && exchange.keepsAlive)
    }
}
