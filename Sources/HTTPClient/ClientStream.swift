import CLibevent
import EventLoop

/// The TCP stream of one connection. Closed when it goes out of scope. Belongs to the loop's thread.
///
/// `@safe`: `handle` is used by its methods only, and freed once, by `deinit`: the type is not copyable.
@safe struct ClientStream: ~Copyable {
    private let handle: OpaquePointer
    /// Kept, because the C loop must outlive the stream.
    private let loop: EventLoop

    /// Begins to connect to `address`.
    ///
    /// - Parameters:
    ///   - peer: whom it must reach with TLS; `nil`: bytes are sent as they are.
    ///   - callbacks: called on the loop as long as the stream lives.
    ///   - context: passed to the callbacks; it must live as long as the stream.
    /// - Throws: `ClientError.unreachable` when connecting failed at once.
    init(
        to address: SocketAddress, as peer: TLSPeer?, on loop: EventLoop, _ callbacks: shim_stream_callbacks,
        _ context: UnsafeMutableRawPointer
    ) throws(ClientError) {
        var error: CInt = 0
        let handle = unsafe address.withSockaddr {
            unsafe shim_stream_connect(
                loop.executor.handle, $0, address.length, peer?.handle, callbacks, context, &error)
        }
        guard let handle = unsafe handle else { throw .unreachable(errno: error) }
        unsafe self.handle = unsafe handle
        self.loop = loop
    }

    deinit { unsafe shim_stream_free(handle) }

    /// Whether the connection is open in both directions, as far as is known.
    var isConnected: Bool { unsafe shim_stream_is_connected(handle) }

    /// Whether the connection is open and everything was sent.
    var isIdle: Bool { unsafe isConnected && shim_stream_unsent(handle) == 0 }

    /// Sends a head and a body in one system call. `payload` is not copied: it is kept until the socket has taken it.
    func send(_ head: [UInt8], _ payload: Payload?) {
        let owner = unsafe payload.map { unsafe Unmanaged.passRetained($0).toOpaque() }
        unsafe head.withUnsafeBytes { head in
            unsafe shim_stream_send(
                handle, head.baseAddress, head.count, payload?.bytes.baseAddress, payload?.count ?? 0,
                { owner in if let owner = unsafe owner { unsafe Unmanaged<Payload>.fromOpaque(owner).release() } },
                unsafe owner)
        }
    }

    /// Reads from the stream. Its callbacks may end the stream, so the stream itself must not be in use meanwhile.
    var reader: Reader { unsafe Reader(handle: handle) }

    /// `@safe`: it is used at once, while its stream lives.
    @safe struct Reader {
        fileprivate let handle: OpaquePointer

        /// Reads what has arrived, as if the loop had told of it. Returns whether there was anything: bytes, or the end.
        func readNow() -> Bool { unsafe shim_stream_read_now(handle) }
    }

    /// Stops or resumes reading. While stopped, the end of the stream is not noticed either.
    func setReading(_ isOn: Bool) { unsafe shim_stream_set_reading(handle, isOn) }
}
