internal import CLibevent

/// A request's body. It may be used on any thread. Its memory counts against the server's limit until the last
/// reference is released.
///
/// `@unchecked Sendable`: the bytes are never written after `init`, and the shim frees them on any thread.
/// `@safe`: the object owns one reference to the shim's body, and releases it in `deinit`.
@safe public final class RequestBody: @unchecked Sendable {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

    deinit { unsafe shim_body_free(handle) }

    /// Its size in bytes.
    public var count: Int { unsafe shim_body_count(handle) }

    /// Copies the body. The time is proportional to its size: call it off the loop's thread if the body is large.
    public func copy() -> [UInt8] {
        let count = count
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let start = buffer.baseAddress { unsafe shim_body_copy(handle, start) }
            initialized = count
        }
    }
}
