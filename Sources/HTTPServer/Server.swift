internal import CLibevent
public import EventLoop
public import Logging

/// An HTTP/1.1 server on the event loop: passes each request to its service, and sends the service's response back.
///
/// Belongs to the loop's thread.
///
/// `@safe`: `handle` is freed with the server, and C calls back only while the server exists.
@safe public final class Server {
    let loop: EventLoop
    let service: any Service
    private let limits: Limits
    private(set) var log: ServerLog
    private(set) var handle: OpaquePointer!
    private var headWriter = HeadWriter()
    /// Requests and connections that were rejected since the start: too many, too long, too slow, or malformed.
    package private(set) var rejections = 0
    /// Clients since the start that were dropped, because they did not read their replies.
    package private(set) var drops = 0
    /// Requests that are being handled.
    public private(set) var requestsInFlight = 0
    /// Whether the server is shutting down: replies close their connections, and new connections are not accepted.
    public internal(set) var isDraining = false
    /// Opens when the last connection has closed. `drain` waits for it.
    var lastConnectionClosed: Latch?

    /// Makes a server that does not listen yet.
    public init(_ service: any Service, limits: Limits = Limits(), on loop: EventLoop, log: Logger) {
        loop.checkThread()
        self.service = service
        self.limits = limits
        self.loop = loop
        self.log = ServerLog(log)
        LoopSignal.ignoreBrokenPipes()
        let callbacks = unsafe shim_server_callbacks(
            refused: { unsafe Server.from($0).refuses($1) },
            requested: { unsafe Server.from($0).receive($1) },
            rejected: { unsafe Server.from($0).reject($1, $2) },
            gone: { unsafe Exchange.from($0).clientLeft() },
            drained: { unsafe Exchange.from($0).drained() },
            accept_failed: {
                let server = unsafe Server.from($0)
                server.log.acceptFailed($1, connections: server.connections)
            },
            accept_recovered: {
                let server = unsafe Server.from($0)
                server.log.acceptRecovered(connections: server.connections)
            },
            dropped: {
                let server = unsafe Server.from($0)
                server.drops += 1
                unsafe server.log.dropped(peer: Fields.peer($1), $2, $3, at: server.loop.now)
            },
            emptied: { unsafe Server.from($0).emptied() },
            handshake_failed: {
                let server = unsafe Server.from($0)
                server.rejections += 1
                unsafe server.log.handshakeFailed(peer: String(cString: $1), $2, at: server.loop.now)
            })
        guard
            let handle = unsafe shim_server_new(
                loop.executor.handle, limits.shim, callbacks, Unmanaged.passUnretained(self).toOpaque())
        else { fatalError("no memory for a server") }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe shim_server_free(handle) }

    /// The server that a callback from C belongs to.
    @inline(__always)
    private static func from(_ context: UnsafeMutableRawPointer?) -> Server {
        let server = unsafe Unmanaged<Server>.fromOpaque(context!).takeUnretainedValue()
        server.loop.checkThread()
        return server
    }

    // MARK: Listening

    /// Listens on `address`; port 0 means any free port.
    ///
    /// - Parameter ipv6Only: whether an IPv6 wildcard address accepts IPv6 only.
    /// - Returns: the address with its real port.
    /// - Throws: `ListenError` with the errno of what failed.
    public func listen(on address: SocketAddress, ipv6Only: Bool = false) throws(ListenError) -> SocketAddress {
        var bound = address.storage
        let error = unsafe shim_server_listen(handle, &bound, address.length, ipv6Only)
        guard error == 0 else { throw ListenError(address: address, errno: error) }
        return SocketAddress(storage: bound, length: address.length)
    }

    /// Has connections that are accepted from now on speak TLS; `nil`: not. Those that are open stay as they are.
    public func useTLS(_ context: TLSServerContext?) { unsafe shim_server_set_tls(handle, context?.handle) }

    /// Open connections, idle ones included.
    public var connections: Int { unsafe shim_server_connection_count(handle) }

    /// The peak number of open connections since the last call.
    package func takePeakOfConnections() -> Int { unsafe shim_server_take_peak(handle) }

    /// Bytes of all bodies that are being received or are still in use.
    public var bufferedBytes: Int { unsafe shim_server_buffered_bytes(handle) }

    // MARK: Requests

    private func receive(_ exchange: OpaquePointer) {
        if let response = unsafe responseAtOnce(exchange) {
            unsafe send(response, on: exchange)
            unsafe shim_exchange_finish(exchange, keepsAlive(exchange))
        } else {
            unsafe start(exchange)
        }
    }

    /// The response to a request that needs no task.
    private func responseAtOnce(_ exchange: OpaquePointer) -> Response? {
        let method = unsafe shim_exchange_method(exchange)
        if method == .SHIM_METHOD_OPTIONS {
            var response = Response.options
            let head = unsafe RequestHead(handle: exchange)
            response.fields = service.optionsFields(for: head)
            response.allow = service.methods(for: head)
            return response
        }
        // A GET's body has no meaning (RFC 9110, 9.3.1): the request is answered as if it had no body.
        let isHandled = method == .SHIM_METHOD_POST || method == .SHIM_METHOD_DELETE
        guard unsafe !isHandled || shim_exchange_body_count(exchange) == 0 else { return nil }
        let head = unsafe RequestHead(handle: exchange)
        return service.respond(to: head)
    }

    /// Answers a request that its head decides. Returns false if there is none yet.
    private func refuses(_ exchange: OpaquePointer) -> Bool {
        let head = unsafe RequestHead(handle: exchange)
        guard let response = service.refusal(of: head) else { return false }
        let keepsAlive = unsafe keepsAlive(exchange)
        unsafe send(response, on: exchange)
        unsafe shim_exchange_finish(exchange, keepsAlive)
        return true
    }

    private func start(_ handle: OpaquePointer) {
        let exchange = unsafe Exchange(handle, on: self)
        exchange.task = loop.startTask(RequestOperation(service: service, exchange: exchange))
    }

    /// Passes one request to the service.
    private struct RequestOperation: LoopOperation {
        let service: any Service
        let exchange: Exchange

        func run() async { await service.handle(Request(exchange: exchange), Reply(exchange)) }
    }

    private func reject(_ exchange: OpaquePointer, _ reason: shim_reject) {
        rejections += 1
        let rejection = Rejection(
            reason, limits: limits, isDraining: isDraining,
            methods: unsafe service.methods(for: RequestHead(handle: exchange)))
        unsafe log.rejected(rejection, reason, peer: Fields.peer(exchange), at: loop.now)
        let (status, sentence) = (rejection.status, rejection.sentence)
        var response =
            unsafe service.rejection(at: Fields.path(exchange), status, sentence, retryAfter: rejection.retryAfter)
            ?? .failure(status, sentence, retryAfter: rejection.retryAfter)
        if let allow = rejection.allow { response.allow = allow }
        unsafe send(response, on: exchange)
        unsafe shim_exchange_finish(exchange, false)
    }

    // MARK: Replies

    func keepsAlive(_ exchange: OpaquePointer) -> Bool { unsafe !isDraining && shim_exchange_keep_alive(exchange) }

    private func connectionField(_ exchange: OpaquePointer) -> HeadWriter.Connection {
        guard unsafe keepsAlive(exchange) else { return .close }
        return unsafe shim_exchange_is_http10(exchange) ? .keepAlive : .implied
    }

    func send(_ response: Response, on exchange: OpaquePointer) {
        let head = unsafe headWriter.head(
            response.status, response.contentType,
            response.status == .noContent ? .none : .length(response.body.count), connectionField(exchange),
            date: shim_server_date(handle), retryAfter: response.retryAfter, allow: response.allow,
            fields: response.fields, lines: response.fieldLines)
        let isHead = unsafe shim_exchange_method(exchange) == .SHIM_METHOD_HEAD
        unsafe response.body.withUnsafeBytes { body in
            _ = unsafe shim_exchange_send(
                exchange, head.baseAddress!, head.count, body.baseAddress, isHead ? 0 : body.count, nil, 0)
        }
    }

    /// Sends a piece of a stream in one system call, after its head if that has not been sent yet. Returns how many
    /// bytes wait in memory now.
    func send(
        _ piece: Span<UInt8>, head: StreamHead?, _ framing: BodyFraming, isLast: Bool, on exchange: OpaquePointer
    ) -> Int {
        let isChunked = framing == .chunked
        let prefix = unsafe headWriter.prefix(
            head, framing, framing == .close ? .close : connectionField(exchange), date: shim_server_date(handle),
            chunk: isChunked ? piece.count : 0)
        let suffix: StaticString =
            switch (isChunked, piece.isEmpty, isLast) {
            case (true, false, false): "\r\n"
            case (true, false, true): "\r\n0\r\n\r\n"
            case (true, true, true): "0\r\n\r\n"
            default: ""
            }
        return unsafe piece.withUnsafeBytes { piece in
            unsafe shim_exchange_send(
                exchange, prefix.baseAddress, prefix.count, piece.baseAddress, piece.count, suffix.utf8Start,
                suffix.utf8CodeUnitCount)
        }
    }

    func exchangeBegan() { requestsInFlight += 1 }
    func exchangeEnded() { requestsInFlight -= 1 }
}

/// Why a server cannot listen.
public struct ListenError: Error, CustomStringConvertible {
    /// The address that was given.
    public let address: SocketAddress
    /// Why: a value of errno(3), from bind(2) or listen(2).
    public let errno: CInt

    public var description: String { "cannot listen on \(address): \(SystemError.description(of: errno))" }
}
