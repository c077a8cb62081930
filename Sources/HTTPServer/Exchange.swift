internal import CLibevent

/// One request that is being worked on, and its reply. Belongs to the loop's thread.
///
/// The shim holds a reference as long as the client may leave; `handle` is `nil` once it left, or the reply is complete.
final class Exchange {
    private(set) var handle: OpaquePointer?
    /// Stays as long as there is something to reply to.
    private let server: Server
    /// What works on it: cancelled when the client leaves.
    var task: Task<Void, Never>?
    /// Whether a reply has begun.
    var isAnswered = false
    /// Who waits for the client to have taken what was sent.
    private var drainWaiter: UnsafeContinuation<Void, Never>?

    init(_ handle: OpaquePointer, on server: Server) {
        self.handle = handle
        self.server = server
        shim_exchange_set_context(handle, Unmanaged.passRetained(self).toOpaque())
        server.exchangeBegan()
    }

    /// Lets go of the shim's exchange, and of the reference that the shim holds.
    private func release() {
        handle = nil
        server.exchangeEnded()
        drainWaiter?.resume()
        drainWaiter = nil
        Unmanaged.passUnretained(self).release()
    }

    // MARK: From the shim

    func clientLeft() {
        let task = task
        release()
        task?.cancel()
    }

    func drained() {
        drainWaiter?.resume()
        drainWaiter = nil
    }

    // MARK: The reply

    func send(_ response: Response) {
        guard let handle else { return }
        isAnswered = true
        server.send(response, on: handle)
        finish(keepAlive: server.keepsAlive(handle))
    }

    var isHead: Bool { handle.map(shim_exchange_method) == .SHIM_METHOD_HEAD }

    /// Sends the head of a stream. Returns whether the body has to be chunked.
    func start(_ status: Status, _ contentType: ContentType) -> Bool {
        isAnswered = true
        guard let handle else { return false }
        return server.start(status, contentType, on: handle)
    }

    /// Sends bytes as they are. Returns how many wait in memory now.
    @discardableResult
    func sendRaw(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer) -> Int {
        isAnswered = true
        guard let handle else { return 0 }
        return shim_exchange_send(
            handle, first.baseAddress, first.count, second.baseAddress, second.count, third.baseAddress, third.count)
    }

    /// Waits until the client has taken what was sent, or left.
    func waitUntilDrained() async {
        guard handle != nil else { return }
        await withUnsafeContinuation { drainWaiter = $0 }
    }

    var keepsAlive: Bool { handle.map(server.keepsAlive) ?? false }

    func finish(keepAlive: Bool) {
        guard let handle else { return }
        release()
        shim_exchange_finish(handle, keepAlive)
    }

    func cut(reset: Bool) {
        guard let handle else { return }
        release()
        shim_exchange_cut(handle, reset)
    }
}
