import CLibevent
import EventLoop

/// One connection to an origin, and the response that is read from it. Belongs to the loop's thread.
///
/// The bytes of a read are handled in place, in the loop's receive buffer: the task that waits for them runs inside the
/// read's callback. See `ReceiveBuffer`.
///
/// `@safe`: C gets an unretained pointer to this object, and calls back only while `stream` lives, which this object
/// owns.
@safe final class Connection {
    private unowned let origin: Origin
    /// Whom it trusts; `nil`: without TLS.
    let peer: TLSPeer?
    private let loop: EventLoop
    private var state = State.connecting
    /// Counts the requests, so that an action on an earlier request does not affect the current one: see
    /// `RequestReference`.
    private(set) var requestNumber = 0
    private(set) var stream: ClientStream?
    var deadline: RequestDeadline
    var response = ResponseReader()
    /// Delivers the body in the read's callback. If it is `nil`, the waiting task reads the body.
    var delivery: BodyDelivery?
    /// Signalled when something was received, or the connection ended.
    let changed: AutoResetEvent

    private enum State {
        case connecting
        /// A request was sent, and `response` reads what comes.
        case busy
        /// Kept open for the next request.
        case idle
        /// The connection ended because of this error, or of `close` if it is `nil`. Bytes received before the end are
        /// still used.
        case ended(ClientError?)
    }

    private init(for origin: Origin, _ limits: Deadlines, until end: LoopInstant?) {
        origin.loop.checkThread()
        self.origin = origin
        peer = origin.peer
        loop = origin.loop
        changed = AutoResetEvent(on: loop)
        deadline = RequestDeadline(on: loop, limits, until: end)
    }

    // MARK: Opening

    /// Connects to one address, for a request with these limits and the deadline `end`.
    static func open(
        to address: SocketAddress, for origin: Origin, _ limits: Deadlines, until end: LoopInstant?
    ) async throws(ClientError) -> Connection {
        let connection = Connection(for: origin, limits, until: end)
        try connection.connect(to: address)
        if connection.stream?.isConnected == false {
            connection.deadline.wait(for: .connect)
            await connection.closingWhenCancelled { await connection.changed.wait() }
        }
        if let failure = connection.failure { throw failure }
        return connection
    }

    private func connect(to address: SocketAddress) throws(ClientError) {
        let callbacks = unsafe shim_stream_callbacks(
            connected: { unsafe Connection.from($0).changed.signal() },
            received: { unsafe Connection.from($0).received(UnsafeRawBufferPointer(start: $1, count: $2)) },
            ended: { unsafe Connection.from($0).ended($1) })
        stream = unsafe try ClientStream(
            to: address, as: peer, on: loop, callbacks, Unmanaged.passUnretained(self).toOpaque())
        deadline.start { [unowned self] in deadlinePassed() }
    }

    /// The connection that a callback from C belongs to.
    @inline(__always)
    private static func from(_ context: UnsafeMutableRawPointer?) -> Connection {
        let connection = unsafe Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue()
        connection.loop.checkThread()
        return connection
    }

    // MARK: A request

    /// Sends a request. `payload` is not copied: it is kept until the socket has taken it.
    ///
    /// - Parameter lines: further fields, each with its CRLF.
    func begin(
        _ template: RequestTemplate, adding lines: [UInt8], _ payload: Payload?, _ limits: Deadlines,
        until end: LoopInstant?
    ) {
        if case .ended = state { return }  // `responseHead` throws the error
        enter(.busy)
        response.begin(keepsFields: template.keepsFields, isToHead: template.isHead)
        deadline.begin(limits, until: end)
        deadline.wait(for: .firstByte)
        stream?.send(template.head(bodyCount: payload?.count, adding: lines), payload)
    }

    private func enter(_ state: State) {
        self.state = state
        requestNumber += 1
    }

    /// Waits for the head of the response.
    func responseHead() async throws(ClientError) -> ResponseHead {
        while true {
            if let head = response.head { return head }
            if let failure { throw failure }
            await changed.wait()
        }
    }

    /// The fields of the response, if they are kept.
    var fieldLines: [UInt8] { response.fieldLines }

    /// Whether a byte of the response has come.
    var sawBytes: Bool { response.progress != .nothing }

    /// Whether the next request may use this connection.
    var isReusable: Bool {
        guard case .busy = state, let isIdle = stream?.isIdle else { return false }
        return isIdle && response.allowsAnother
    }

    /// Runs `operation`, and closes the connection as soon as the task is cancelled.
    func closingWhenCancelled<Result>(_ operation: () async -> Result) async -> Result {
        let request = RequestReference(self)
        let executor = loop.executor
        return await withTaskCancellationHandler(operation: operation) {
            if executor.isCurrent { request.cancel() } else { executor.post([{ request.cancel() }]) }
        }
    }

    // MARK: From the shim

    private func received(_ bytes: UnsafeRawBufferPointer) {
        if case .idle = state { return endIdle() }  // there was no request
        unsafe response.beginRead(bytes)
        if delivery != nil {
            deliver()
        } else {
            if response.head == nil { readHead() }
            changed.signal()
            loop.executor.drain()  // the task must read the bytes now: they are valid only until this returns
        }
        if response.endRead() { stream?.setReading(false) }
    }

    private func readHead() {
        switch response.readHead() {
        case .needMore(let consumed):
            consume(consumed)
            deadline.waitForRestOfHead()
        case .done(let consumed):
            consume(consumed)
            deadline.waitForTotal()
        case .malformed(let rule): fail(.malformed("\(rule)", .head))
        }
    }

    private func ended(_ error: CInt) {
        switch state {
        case .connecting: fail(.unreachable(errno: error))
        case .busy: fail(.closed(errno: error, response.progress))
        case .idle: endIdle()
        case .ended: break
        }
    }

    private func deadlinePassed() {
        switch state {
        case .idle: endIdle()
        case .connecting: fail(.timeout(deadline.phase))
        case .busy: judgeDeadline()
        case .ended: break
        }
    }

    /// Bytes that have arrived before the deadline count, even if this process, suspended or busy, has not read them.
    private func judgeDeadline() {
        let phase = deadline.phase
        let reader = stream?.reader
        let hasRead = reader?.readNow() ?? false
        guard case .busy = state else { return }
        if !hasRead || phase == .total || deadline.isPassed { fail(.timeout(phase)) }
    }

    // MARK: The end

    /// Why nothing more will come.
    var failure: ClientError? {
        if case .ended(let failure) = state { failure ?? .cancelled } else { nil }
    }

    /// Ends the connection because of `error`, which its request throws after it has read the bytes that came before.
    /// Does nothing if it has already ended.
    func fail(_ error: ClientError) {
        if case .ended = state { return }
        end(error)
        changed.signal()
    }

    /// Keeps the connection for the next request, until `expiry`.
    func becomeIdle(until expiry: LoopInstant?) {
        enter(.idle)
        response.freeMemory()  // a thousand idle connections must not keep a thousand buffers
        deadline.waitUntil(expiry)
    }

    /// Ends a connection that is idle.
    private func endIdle() {
        origin.idleConnectionEnded(self)
        close()
    }

    /// Ends the connection. Does nothing if it has already ended.
    func close() {
        if case .ended = state { return }
        end(nil)
    }

    private func end(_ error: ClientError?) {
        state = .ended(error)
        stream = nil
        deadline.stop()
    }
}
