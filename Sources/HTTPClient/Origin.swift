package import EventLoop

/// A host and port that requests are sent to, and the connections to it. Source: RFC 9110, 4.3.1.
///
/// Connections are kept and reused, the most recently used first. Belongs to the loop's thread.
package final class Origin {
    /// Maximum number of idle connections that are kept.
    private let idleLimit: Int

    let loop: EventLoop
    package let deadlines: Deadlines
    /// `nil`: without TLS.
    private(set) var peer: TLSPeer?
    private let host: String
    private let resolver: Resolver
    private var idle: [Connection] = []
    /// Requests that are being sent or answered.
    package private(set) var requestsInFlight = 0
    /// Number of connections opened so far.
    package private(set) var connectionsOpened = 0
    /// Number of requests sent again so far, because a reused connection had closed without a response.
    package private(set) var requestsResent = 0

    /// Called when a request is sent again because a reused connection closed without a response.
    package var onResend: (() -> Void)?

    /// Finds the addresses of a host. Called on a Dispatch thread, where it may block.
    package typealias LookUp = @Sendable (_ host: String, _ port: UInt16) throws(ResolveError) -> [SocketAddress]

    /// - Parameters:
    ///   - host: a name or a numeric address, without brackets.
    ///   - tls: what TLS trusts; `nil`: bytes are sent as they are.
    ///   - idleLimit: maximum number of idle connections that are kept.
    ///   - lookUp: finds the addresses of a name; the default asks the system. It is not called for numeric addresses.
    package init(
        host: String, port: UInt16, tls: TLSClientContext? = nil, deadlines: Deadlines = Deadlines(),
        idleLimit: Int = 256, on loop: EventLoop, lookUp: @escaping LookUp = Origin.askSystem
    ) {
        loop.checkThread()
        self.loop = loop
        self.idleLimit = idleLimit
        self.deadlines = deadlines
        self.host = host
        peer = tls.map { TLSPeer(host, $0) }
        resolver = Resolver(host: host, port: port, on: loop, lookUp: lookUp)
    }

    /// Looks up a host with getaddrinfo(3).
    package static let askSystem: LookUp = { host, port throws(ResolveError) in
        try SocketAddress.resolve(host: host, port: port)
    }

    /// Sends a request and calls `body`, which reads the response.
    ///
    /// The connection is kept for the next request when `body` has read the response to its end; otherwise, or when the
    /// task is cancelled, it is closed at once. If a reused
    /// connection closes without a byte of response, the request is sent again, once, on a new connection: the server
    /// had closed the old one before it saw the request.
    ///
    /// - Throws: `ClientError`, its own or what `body` throws.
    package func withResponse<Result>(
        to template: RequestTemplate, payload: Payload? = nil, options: RequestOptions? = nil,
        _ body: (borrowing IncomingResponse) async throws(ClientError) -> Result
    ) async throws(ClientError) -> Result {
        if Task.isCancelled { throw .cancelled }  // no one waits for the response: do not send the request
        requestsInFlight += 1
        defer { requestsInFlight -= 1 }
        let limits = options?.deadlines ?? deadlines
        let deadline = limits.total > .zero ? loop.now + limits.total : nil
        if let reused = idle.popLast() {
            do throws(ClientError) {
                return try await exchange(on: reused, template, payload, options, until: deadline, body)
            } catch {
                // `body` may have thrown this error itself: then there was a response.
                guard case .closed(_, .nothing) = error, !reused.sawBytes else { throw error }
                requestsResent += 1
                onResend?()
            }
        }
        let began = loop.now
        let fresh = try await connect(limits, until: deadline)
        options?.onConnect?(loop.now - began)
        return try await exchange(on: fresh, template, payload, options, until: deadline, body)
    }

    private func exchange<Result>(
        on connection: Connection, _ template: RequestTemplate, _ payload: Payload?, _ options: RequestOptions?,
        until deadline: LoopInstant?,
        _ body: (borrowing IncomingResponse) async throws(ClientError) -> Result
    ) async throws(ClientError) -> Result {
        defer { release(connection) }
        connection.begin(
            template, adding: options?.lines ?? [], payload, options?.deadlines ?? deadlines, until: deadline)
        let outcome = await connection.closingWhenCancelled { () async -> Swift.Result<Result, ClientError> in
            do throws(ClientError) {
                let head = try await connection.responseHead()
                return .success(try await body(IncomingResponse(head: head, connection: connection)))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Opens a connection to the first address that accepts one.
    private func connect(_ limits: Deadlines, until deadline: LoopInstant?) async throws(ClientError) -> Connection {
        var lastError = ClientError.unreachable(errno: 0)
        for address in try await resolver.addresses(within: limits.connect, until: deadline) {
            if Task.isCancelled { throw .cancelled }
            do throws(ClientError) {
                let connection = try await Connection.open(to: address, for: self, limits, until: deadline)
                resolver.prefer(address)
                connectionsOpened += 1
                return connection
            } catch {
                if error == .cancelled || error == .timeout(.total) { throw error }
                lastError = error
            }
        }
        throw lastError
    }

    /// Opens a connection and keeps it for a later request. Closes it if enough connections are kept already.
    ///
    /// - Throws: `ClientError`.
    package func open() async throws(ClientError) {
        if Task.isCancelled { throw .cancelled }
        makeIdle(try await connect(deadlines, until: deadlines.total > .zero ? loop.now + deadlines.total : nil))
    }

    private func release(_ connection: Connection) {
        if connection.isReusable { makeIdle(connection) } else { connection.close() }
    }

    private func makeIdle(_ connection: Connection) {
        // One that trusts what is trusted no longer takes no further request.
        guard idle.count < idleLimit, connection.peer === peer else { return connection.close() }
        connection.becomeIdle(until: deadlines.keepAlive > .zero ? loop.now + deadlines.keepAlive : nil)
        idle.append(connection)
    }

    /// Called by a connection that ended while it was idle.
    func idleConnectionEnded(_ connection: Connection) {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    /// Has connections that are opened from now on trust something else, if the origin speaks TLS. The others take no
    /// further request: idle ones are closed at once, and those with a request that is under way after it.
    package func useTLS(_ context: TLSClientContext) {
        guard peer != nil else { return }
        peer = TLSPeer(host, context)
        closeIdle()
    }

    /// Closes the idle connections.
    package func closeIdle() {
        for connection in idle { connection.close() }
        idle.removeAll()
    }

    /// Connections that are kept for the next request.
    package var idleConnections: Int { idle.count }
}
