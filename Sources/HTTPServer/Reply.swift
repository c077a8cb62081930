/// The one reply to a request. Sending consumes it, so that a second one does not compile.
///
/// If it is dropped without being sent, the client gets a 500 and the log names the bug in the function. Belongs to the
/// loop's thread.
public struct Reply: ~Copyable {
    private let exchange: Exchange

    init(_ exchange: Exchange) { self.exchange = exchange }

    deinit {
        if !exchange.isAnswered {
            exchange.noteMissingReply()
            exchange.send(.failure(.internalServerError, "The function sent no reply: this is a bug in the server."))
        }
    }

    /// Sends the whole response. Does nothing when the client has left.
    public consuming func send(_ response: Response) { exchange.send(response) }

    /// Whether the client is still there. Once false, it stays false.
    public var isClientConnected: Bool { unsafe exchange.handle != nil }

    /// Begins a stream; the head goes out with the first piece of the body.
    ///
    /// - Parameters:
    ///   - fields: further header fields, sent in this order.
    ///   - unbuffered: asks proxies to pass each piece on at once, and not to cache the stream.
    public consuming func start(
        _ status: Status, _ contentType: ContentType, fields: [HeaderField] = [], unbuffered: Bool = false
    ) -> Body {
        exchange.start(StreamHead(status, contentType, fields, isUnbuffered: unbuffered))
        return Body(exchange)
    }

    /// Hands over the connection itself, to send bytes that no correct server would send.
    @_spi(RawReply) public consuming func raw() -> RawReply {
        exchange.isAnswered = true
        return RawReply(exchange)
    }
}

/// The body of a stream. If it is dropped without `end`, the connection is cut, so that the client sees that the body
/// is incomplete.
///
/// Belongs to the loop's thread.
public struct Body: ~Copyable {
    private let exchange: Exchange
    private let isChunked: Bool
    /// Whether only the head is sent.
    private let isHead: Bool

    /// The number of bytes waiting in memory for a slow client above which the caller should stop sending.
    public static let backlogLimit = 64 * 1024

    init(_ exchange: Exchange) {
        self.exchange = exchange
        isChunked = exchange.isChunked
        isHead = exchange.isHead
    }

    // Here `end` was not called, so the body is cut. If it is chunked, the missing last chunk shows this; if it ends
    // with the connection, only a reset shows it.
    deinit { exchange.cut(reset: !isChunked) }

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
        exchange.finish(keepAlive: isChunked && exchange.keepsAlive)
    }
}

/// A connection on which any bytes can be sent, even invalid ones. Belongs to the loop's thread.
@_spi(RawReply) public struct RawReply: ~Copyable {
    private let exchange: Exchange

    init(_ exchange: Exchange) { self.exchange = exchange }

    deinit { exchange.cut(reset: false) }

    /// Sends bytes unchanged.
    public func send(_ bytes: [UInt8]) {
        exchange.sendRaw(bytes.span)
    }

    /// Leaves the connection open for the next request, as if a reply had been sent.
    public consuming func finish() { exchange.finish(keepAlive: true) }

    /// Closes the connection after everything was sent.
    public consuming func close() { exchange.finish(keepAlive: false) }

    /// Breaks the connection: by RST, or by FIN in the middle of a response.
    public consuming func cut(reset: Bool) { exchange.cut(reset: reset) }

    /// Sends nothing until the client leaves.
    public consuming func stall() async {
        await exchange.waitUntilGone()
    }
}
