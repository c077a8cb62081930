/// The one reply to a request. Sending consumes it, so that a second one does not compile.
///
/// Dropped without an answer it answers 500: a bug of the function, which the log names. Belongs to the loop's thread.
public struct Reply: ~Copyable {
    private let exchange: Exchange

    init(_ exchange: Exchange) { self.exchange = exchange }

    deinit {
        if !exchange.isAnswered {
            exchange.send(.failure(.internalServerError, "The function gave no answer: this is a bug of the server."))
        }
    }

    /// Sends the whole response. Does nothing when the client has left.
    public consuming func send(_ response: Response) { exchange.send(response) }

    /// Begins a stream; the body comes piece by piece.
    public consuming func start(_ status: Status, _ contentType: ContentType) -> Body {
        let isHead = exchange.isHead
        return Body(exchange, chunked: exchange.start(status, contentType), isHead: isHead)
    }

    /// Gives the connection itself away, for whoever has to send what no server should.
    @_spi(RawReply) public consuming func raw() -> RawReply {
        exchange.isAnswered = true
        return RawReply(exchange)
    }
}

/// The body of a stream. Dropped without `end` it cuts the connection, so that the client sees that it is not whole.
///
/// Belongs to the loop's thread.
public struct Body: ~Copyable {
    private let exchange: Exchange
    private let isChunked: Bool
    /// Whether there is nothing to send but the head.
    private let isHead: Bool

    /// Bytes that may wait in memory for a slow client before `send` waits for it.
    private static let backlogLimit = 64 * 1024

    init(_ exchange: Exchange, chunked: Bool, isHead: Bool) {
        self.exchange = exchange
        isChunked = chunked
        self.isHead = isHead
    }

    // What comes here without `end` is cut: chunks without their end do; a body that ends with the connection needs a reset.
    deinit { exchange.cut(reset: !isChunked) }

    /// Sends a piece at once, and waits while the client is slow to take it. Does nothing when the client has left.
    public func send(_ bytes: [UInt8]) async {
        guard !bytes.isEmpty, !isHead else { return }
        let backlog = bytes.withUnsafeBytes { bytes in
            isChunked ? sendChunk(bytes) : exchange.sendRaw(bytes, .none, .none)
        }
        if backlog > Self.backlogLimit { await exchange.waitUntilDrained() }
    }

    private func sendChunk(_ bytes: UnsafeRawBufferPointer) -> Int {
        var size = String(bytes.count, radix: 16) + "\r\n"
        return size.withUTF8 { size in
            withUnsafeBytes(of: (UInt8(ascii: "\r"), UInt8(ascii: "\n"))) { lineEnd in
                exchange.sendRaw(UnsafeRawBufferPointer(size), bytes, lineEnd)
            }
        }
    }

    /// The body is whole.
    public consuming func end() {
        if isChunked && !isHead {
            withUnsafeBytes(of: lastChunk) { _ = exchange.sendRaw($0, .none, .none) }
        }
        exchange.finish(keepAlive: isChunked && exchange.keepsAlive)
    }
}

/// `0`, and twice a line end.
private let lastChunk: (UInt8, UInt8, UInt8, UInt8, UInt8) = (0x30, 0x0D, 0x0A, 0x0D, 0x0A)

extension UnsafeRawBufferPointer {
    static var none: Self { Self(start: nil, count: 0) }
}

/// A connection without a server's manners. Belongs to the loop's thread.
@_spi(RawReply) public struct RawReply: ~Copyable {
    private let exchange: Exchange

    init(_ exchange: Exchange) { self.exchange = exchange }

    deinit { exchange.cut(reset: false) }

    /// Sends bytes as they are.
    public func send(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { exchange.sendRaw($0, .none, .none) }
    }

    /// Leaves the connection open for the next request, as if a reply had been sent.
    public consuming func finish() { exchange.finish(keepAlive: true) }

    /// Closes, after what was sent is out.
    public consuming func close() { exchange.finish(keepAlive: false) }

    /// Breaks the connection: by RST, or by FIN in the middle of whatever was sent.
    public consuming func cut(reset: Bool) { exchange.cut(reset: reset) }

    /// Says nothing until the client leaves.
    public consuming func stall() async {
        exchange.sendRaw(.none, .none, .none)
        while exchange.handle != nil { await exchange.waitUntilDrained() }
    }
}
