internal import CLibevent
import EventLoop

/// One request that is being handled, and its reply. Belongs to the loop's thread.
///
/// The shim holds a reference while the client can still leave. `handle` is `nil` after the client has left or the
/// reply is complete.
///
/// `@safe`: `handle` is `nil` as soon as the shim's exchange may be gone.
@safe final class Exchange {
    private(set) var handle: OpaquePointer?
    /// The server, kept alive while there is something to reply to.
    private let server: Server
    /// The task that handles the request. It is cancelled when the client leaves.
    var task: Task<Void, Never>?
    /// Whether a reply has begun.
    var isAnswered = false
    /// The head of a stream, until its first piece is sent.
    private var streamHead: StreamHead?
    /// How the end of the stream is marked.
    private(set) var framing = BodyFraming.chunked
    /// Bytes that were waiting in memory for the client when the last piece was sent; 0 after it has taken everything.
    private(set) var backlog = 0
    /// Called when the client has taken everything that was sent, or has left.
    private var onDrained: (() -> Void)?
    /// Called when the client has left.
    private var onClientGone: (() -> Void)?

    init(_ handle: OpaquePointer, on server: Server) {
        server.loop.checkThread()
        unsafe self.handle = unsafe handle
        self.server = server
        unsafe shim_exchange_set_context(handle, Unmanaged.passRetained(self).toOpaque())
        server.exchangeBegan()
    }

    /// The exchange that a callback from C belongs to.
    @inline(__always)
    static func from(_ context: UnsafeMutableRawPointer) -> Exchange {
        let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        exchange.server.loop.checkThread()
        return exchange
    }

    /// Releases the shim's exchange, and the reference that the shim holds.
    private func release() {
        unsafe handle = nil
        server.exchangeEnded()
        drained()
        onClientGone?()
        unsafe Unmanaged.passUnretained(self).release()
    }

    // MARK: From the shim

    func clientLeft() {
        let task = task
        release()
        task?.cancel()
    }

    func drained() {
        backlog = 0
        let call = onDrained
        onDrained = nil
        call?()
    }

    // MARK: The reply

    func send(_ response: Response) {
        isAnswered = true
        guard let handle = unsafe handle else { return }
        unsafe server.send(response, on: handle)
        unsafe finish(keepAlive: server.keepsAlive(handle))
    }

    /// Logs that the service has dropped a reply without sending it.
    func noteMissingReply() { server.log.replyMissing() }

    var isHead: Bool { unsafe handle.map(shim_exchange_method) == .SHIM_METHOD_HEAD }

    /// Begins a stream.
    func start(_ head: StreamHead) {
        isAnswered = true
        streamHead = head
        let isHTTP10 = unsafe handle.map { unsafe shim_exchange_is_http10($0) } ?? false
        framing = head.length != nil ? .length : isHTTP10 ? .close : .chunked
    }

    /// Sends a piece of the stream. Returns how many bytes wait in memory now.
    func sendPiece(_ piece: Span<UInt8>, isLast: Bool = false) -> Int {
        guard let handle = unsafe handle else { return 0 }
        let head = streamHead
        streamHead = nil
        if framing == .length && head == nil && piece.isEmpty { return backlog }
        backlog = unsafe server.send(piece, head: head, framing, isLast: isLast, on: handle)
        return backlog
    }

    /// Says how many bytes the service holds for the request. Returns false if there is no room for them.
    func hold(_ count: Int) -> Bool { unsafe handle.map { unsafe shim_exchange_hold($0, count) } ?? true }

    /// Sends bytes unchanged.
    func sendRaw(_ bytes: Span<UInt8>) {
        isAnswered = true
        guard let handle = unsafe handle else { return }
        backlog = unsafe bytes.withUnsafeBytes {
            unsafe shim_exchange_send(handle, $0.baseAddress, $0.count, nil, 0, nil, 0)
        }
    }

    /// Calls `call` once, when the client has taken everything that was sent or has left; calls it immediately if that
    /// is already the case.
    func onDrained(_ call: @escaping () -> Void) {
        if unsafe backlog == 0 || handle == nil { call() } else { onDrained = call }
    }

    /// Waits until the client has taken everything that was sent, or has left.
    func waitUntilDrained() async {
        let latch = Latch(on: server.loop)
        onDrained { latch.open() }
        await latch.wait()
    }

    /// Waits until the client has left.
    func waitUntilGone() async {
        guard unsafe handle != nil else { return }
        let latch = Latch(on: server.loop)
        onClientGone = { latch.open() }
        await latch.wait()
    }

    var keepsAlive: Bool { unsafe handle.map(server.keepsAlive) ?? false }

    func finish(keepAlive: Bool) {
        guard let handle = unsafe handle else { return }
        release()
        unsafe shim_exchange_finish(handle, keepAlive)
    }

    func cut(reset: Bool) {
        guard let handle = unsafe handle else { return }
        release()
        unsafe shim_exchange_cut(handle, reset)
    }
}
