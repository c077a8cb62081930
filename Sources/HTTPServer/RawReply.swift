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
