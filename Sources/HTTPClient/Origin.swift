package import EventLoop

/// A host and port that requests are sent to, and the connections to it. Source: RFC 9110, 4.3.1.
///
/// Connections are kept and used again, the last used first. Belongs to the loop's thread.
package final class Origin {
    /// Idle connections that are kept at most.
    private let idleLimit: Int

    let loop: EventLoop
    package let deadlines: Deadlines
    private let resolver: Resolver
    private var idle: [Connection] = []
    /// Requests that are being sent or answered.
    package private(set) var requestsInFlight = 0
    /// Connections that were opened so far.
    package private(set) var connectionsOpened = 0
    /// Requests that were sent again so far, since a reused connection had swallowed them.
    package private(set) var requestsResent = 0

    /// Called when a request that a reused connection swallowed is sent again.
    package var onResend: (() -> Void)?

    /// How the addresses of a host are found. Called on a Dispatch thread, where it may block.
    package typealias LookUp = @Sendable (_ host: String, _ port: UInt16) throws(ResolveError) -> [SocketAddress]

    /// - Parameters:
    ///   - host: a name or a numeric address, without brackets.
    ///   - idleLimit: idle connections that are kept at most.
    ///   - lookUp: how the addresses of a name are found; unless given, the system is asked. Numeric addresses need
    ///     none.
    package init(
        host: String, port: UInt16, deadlines: Deadlines = Deadlines(), idleLimit: Int = 256, on loop: EventLoop,
        lookUp: @escaping LookUp = Origin.askSystem
    ) {
        loop.checkThread()
        self.loop = loop
        self.idleLimit = idleLimit
        self.deadlines = deadlines
        resolver = Resolver(host: host, port: port, on: loop, lookUp: lookUp)
    }

    /// Looks a host up by getaddrinfo(3).
    package static let askSystem: LookUp = { host, port throws(ResolveError) in
        try SocketAddress.resolve(host: host, port: port)
    }

    /// Sends a request and has `body` read the response.
    ///
    /// The connection is kept for the next request when `body` has read the response to its end; otherwise it is
    /// closed, at once, and so it is when the task is cancelled. `deadlines` are the origin's unless others are given.
    /// A request that a reused connection swallows without a byte of response is sent again, once, on a fresh one: the
    /// server had closed the connection before it saw the request.
    ///
    /// - Throws: `ClientError`, its own or what `body` throws.
    package func withResponse<Result>(
        to template: RequestTemplate, payload: Payload? = nil, deadlines: Deadlines? = nil,
        _ body: (borrowing IncomingResponse) async throws(ClientError) -> Result
    ) async throws(ClientError) -> Result {
        if Task.isCancelled { throw .cancelled }  // nobody waits for it: the server need not hear of it
        requestsInFlight += 1
        defer { requestsInFlight -= 1 }
        let limits = deadlines ?? self.deadlines
        let deadline = limits.total > .zero ? loop.now + limits.total : nil
        if let reused = idle.popLast() {
            do throws(ClientError) {
                return try await exchange(on: reused, template, payload, limits, until: deadline, body)
            } catch {
                // `body` may have thrown such an error for a reason of its own: then there was a response.
                guard case .closed(_, beforeFirstByte: true) = error, !reused.sawBytes else { throw error }
                requestsResent += 1
                onResend?()
            }
        }
        let fresh = try await connect(limits, until: deadline)
        return try await exchange(on: fresh, template, payload, limits, until: deadline, body)
    }

    private func exchange<Result>(
        on connection: Connection, _ template: RequestTemplate, _ payload: Payload?, _ limits: Deadlines,
        until deadline: LoopInstant?,
        _ body: (borrowing IncomingResponse) async throws(ClientError) -> Result
    ) async throws(ClientError) -> Result {
        defer { release(connection) }
        connection.begin(template.head(bodyCount: payload?.count), payload, limits, until: deadline)
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

    /// Opens a connection to the first address that takes one.
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

    /// Opens a connection and keeps it, for a request to come; closes it when enough are kept.
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
        guard idle.count < idleLimit else { return connection.close() }
        connection.becomeIdle(until: deadlines.keepAlive > .zero ? loop.now + deadlines.keepAlive : nil)
        idle.append(connection)
    }

    /// Called by a connection that ended while it was idle.
    func idleConnectionEnded(_ connection: Connection) {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    /// Closes the idle connections.
    package func closeIdle() {
        for connection in idle { connection.close() }
        idle.removeAll()
    }

    /// Connections that are kept for the next request.
    package var idleConnections: Int { idle.count }
}
