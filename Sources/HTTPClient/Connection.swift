import CLibevent
import EventLoop

/// One connection to an origin, and the response that comes on it. Belongs to the loop's thread.
///
/// What a read brings is looked at where it lies, in the loop's receive buffer: the task that waits for it runs inside
/// the read's callback. See `ReceiveBuffer`.
@safe final class Connection {
    private unowned let origin: Origin
    let loop: EventLoop
    private var stream: OpaquePointer?
    private var timer: LoopTimer?
    private var stage = Stage.connecting
    /// Counts the stages, so that a cancelling that comes late, from another thread, does not hit the next request.
    private(set) var stageNumber = 0
    /// What the deadline is for.
    private var phase = ClientError.Phase.connect
    private var deadlines: Deadlines
    private var totalDeadline: LoopInstant?
    private var waiter: UnsafeContinuation<Void, Never>?
    /// Whether something came while nobody waited.
    private var hasNews = false
    /// Why nothing more will come. What came before it still counts.
    private(set) var failure: ClientError?

    var input = ReceiveBuffer()
    private var head: ResponseHead?
    var decoder = BodyDecoder(.none)
    /// Who takes the body in the read's callback; without one, the task that waits does.
    var delivery: Delivery?
    /// Whether a byte of response came.
    private(set) var sawBytes = false

    private enum Stage {
        case connecting
        /// A request was begun.
        case busy
        /// Kept for the next request.
        case parked
    }

    private init(for origin: Origin, _ deadlines: Deadlines, until totalDeadline: LoopInstant?) {
        self.origin = origin
        self.deadlines = deadlines
        self.totalDeadline = totalDeadline
        loop = origin.loop
    }

    deinit { close() }

    // MARK: Opening

    /// Connects to one address; `totalDeadline` is the request's.
    static func open(
        to address: SocketAddress, for origin: Origin, _ deadlines: Deadlines, until totalDeadline: LoopInstant?
    ) async throws(ClientError) -> Connection {
        let connection = Connection(for: origin, deadlines, until: totalDeadline)
        try connection.connect(to: address)
        guard let stream = unsafe connection.stream else { throw .cancelled }
        if unsafe !shim_stream_is_connected(stream) {
            connection.setDeadline(.connect, after: deadlines.connect)
            await connection.closingWhenCancelled { await connection.change() }
        }
        if let failure = connection.failure { throw failure }
        return connection
    }

    private func connect(to address: SocketAddress) throws(ClientError) {
        let callbacks = unsafe shim_stream_callbacks(
            connected: { unsafe Connection.from($0).wake() },
            received: { unsafe Connection.from($0).received(UnsafeRawBufferPointer(start: $1, count: $2)) },
            ended: { unsafe Connection.from($0).ended($1) })
        var error: CInt = 0
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe stream = unsafe address.withSockaddr {
            unsafe shim_stream_connect(loop.executor.handle, $0, address.length, callbacks, context, &error)
        }
        if unsafe stream == nil { throw .unreachable(errno: error) }
        timer = LoopTimer(on: loop) { [unowned self] in deadlinePassed() }
    }

    @inline(__always)
    private static func from(_ context: UnsafeMutableRawPointer?) -> Connection {
        unsafe Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue()
    }

    // MARK: A request

    /// Sends a request. `payload` stays where it is until the socket has taken it.
    func begin(_ head: [UInt8], _ payload: Payload?, _ deadlines: Deadlines, until totalDeadline: LoopInstant?) {
        guard let stream = unsafe stream else { return }
        enter(.busy)
        sawBytes = false
        self.head = nil
        self.deadlines = deadlines
        self.totalDeadline = totalDeadline
        setDeadline(.firstByte, after: deadlines.firstByte)
        let owner = unsafe payload.map { unsafe Unmanaged.passRetained($0).toOpaque() }
        unsafe head.withUnsafeBytes { head in
            unsafe shim_stream_send(
                stream, head.baseAddress, head.count, payload?.bytes.baseAddress, payload?.count ?? 0,
                { owner in if let owner = unsafe owner { unsafe Unmanaged<Payload>.fromOpaque(owner).release() } },
                unsafe owner)
        }
    }

    private func enter(_ stage: Stage) {
        self.stage = stage
        stageNumber += 1
    }

    /// Waits for the head of the response.
    func responseHead() async throws(ClientError) -> ResponseHead {
        while true {
            if let head { return head }
            if let failure { throw failure }
            await change()
        }
    }

    /// Between two reads of the body.
    var idleDeadline: Duration { deadlines.idle }

    func setReading(_ isOn: Bool) {
        if let stream = unsafe stream { unsafe shim_stream_set_reading(stream, isOn) }
    }

    /// Whether the next request may use this connection.
    var isReusable: Bool {
        guard let stream = unsafe stream, let head, failure == nil, unsafe shim_stream_is_connected(stream) else {
            return false
        }
        return unsafe head.keepAlive && decoder.isComplete && input.isEmpty && shim_stream_unsent(stream) == 0
    }

    // MARK: Waiting

    /// Waits for bytes, or the end: whoever calls has seen that neither is here.
    func change() async {
        if failure != nil { return }
        unsafe await withUnsafeContinuation { continuation in
            // This may be a job of its own, and events come before it: they are not to be waited for.
            if hasNews { unsafe continuation.resume() } else { unsafe waiter = unsafe continuation }
            hasNews = false
        }
    }

    func wake() {
        hasNews = unsafe waiter == nil
        unsafe waiter?.resume()
        unsafe waiter = nil
    }

    func setDeadline(_ phase: ClientError.Phase, after interval: Duration) {
        self.phase = phase
        var deadline = interval > .zero ? loop.now + interval : nil
        if let totalDeadline, deadline.map({ totalDeadline < $0 }) ?? true {
            self.phase = .total
            deadline = totalDeadline
        }
        timer?.deadline = deadline
    }

    private func deadlinePassed() {
        if stage == .parked { drop() } else { fail(.timeout(phase)) }
    }

    // MARK: From the shim

    private func received(_ bytes: UnsafeRawBufferPointer) {
        if stage == .parked {  // nobody asked
            drop()
            return
        }
        sawBytes = true
        unsafe input.lend(bytes)
        if delivery != nil {
            deliver()
        } else {
            if head == nil { parseHead() }
            wake()
            loop.executor.drain()  // the task looks at the bytes now: they are gone when this returns
        }
        input.keep()
        if input.isFull, let stream = unsafe stream { unsafe shim_stream_set_reading(stream, false) }
    }

    private func parseHead() {
        while head == nil {
            switch unsafe input.withBytes(ResponseHead.parse) {
            case .needMore:
                setDeadline(.idle, after: deadlines.idle)
                return
            case .malformed(let rule):
                fail(.malformed("\(rule)"))
                return
            case .done(let head, let consumed):
                consume(consumed)
                if head.status == 101 {
                    fail(.malformed("nobody asked for another protocol"))
                    return
                }
                if head.status >= 200 {  // others announce the response
                    self.head = head
                    decoder = BodyDecoder(head.framing)
                    setDeadline(.total, after: .zero)
                }
            }
        }
    }

    private func ended(_ error: CInt) {
        switch stage {
        case .connecting: fail(.unreachable(errno: error))
        case .busy: fail(.closed(errno: error, beforeFirstByte: !sawBytes))
        case .parked: drop()
        }
    }

    // MARK: The end

    func fail(_ error: ClientError) {
        guard failure == nil else { return }
        failure = error
        closeStream()
        wake()
    }

    /// Keeps the connection for the next request, until `expiry`.
    func park(until expiry: LoopInstant?) {
        enter(.parked)
        input.reset()  // a thousand idle connections must not keep a thousand buffers
        timer?.deadline = expiry
    }

    /// Ends a connection that is kept.
    private func drop() {
        origin.forget(self)
        close()
    }

    func close() { closeStream() }

    private func closeStream() {
        if let stream = unsafe stream { unsafe shim_stream_free(stream) }
        unsafe stream = nil
        timer = nil
    }
}
