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
            exchange.send(.failure(.internalServerError, "The function sent no reply: this is a bug in the function."))
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
    ) -> Body { start(status, contentType, fields: fields, lines: [], unbuffered: unbuffered) }

    /// - Parameter lines: as `Response.fieldLines`.
    package consuming func start(
        _ status: Status, _ contentType: ContentType, fields: [HeaderField], lines: [UInt8], unbuffered: Bool
    ) -> Body {
        exchange.start(StreamHead(status, contentType, fields, lines, isUnbuffered: unbuffered))
        return Body(exchange)
    }

    /// Begins to pass on another server's response; the head goes out with the first piece of the body. If the head says
    /// how long the body is, exactly so many bytes must be sent.
    package consuming func start(passingOn head: PassedOnHead) -> Body {
        exchange.start(StreamHead(passingOn: head))
        return Body(exchange)
    }

    /// Hands over the connection itself, to send bytes that no correct server would send.
    @_spi(RawReply) public consuming func raw() -> RawReply {
        exchange.isAnswered = true
        return RawReply(exchange)
    }
}
