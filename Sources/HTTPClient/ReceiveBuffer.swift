/// Bytes received on a connection that are not consumed yet.
///
/// The bytes of a read are used in place while the read is handled; bytes that are left after that are stored. Belongs
/// to the loop's thread.
///
/// `@safe`: `view` is set by `beginRead` and cleared by `endRead`, and its bytes must stay valid between the two calls.
@safe struct ReceiveBuffer {
    /// Maximum bytes stored before reading should stop.
    private static let limit = 64 * 1024

    /// The bytes of the read that is being handled. Empty when there are stored bytes, which must be read first.
    private var view = unsafe UnsafeRawBufferPointer.none
    private var stored: [UInt8] = []
    private var storedOffset = 0

    var isEmpty: Bool { unsafe view.isEmpty && stored.isEmpty }

    /// Whether so much is stored that reading should stop until it is consumed.
    var isFull: Bool { stored.count - storedOffset > Self.limit }

    /// Takes the bytes of a read. `bytes` must stay valid until `endRead`.
    mutating func beginRead(_ bytes: UnsafeRawBufferPointer) {
        if stored.isEmpty { unsafe view = unsafe bytes } else { unsafe store(bytes) }
    }

    /// Stores the bytes of the read that were not consumed, because they are about to become invalid.
    mutating func endRead() {
        if unsafe !view.isEmpty { unsafe store(view) }
        unsafe view = unsafe .none
    }

    private mutating func store(_ bytes: UnsafeRawBufferPointer) {
        if storedOffset > Self.limit {  // otherwise it would grow without limit if the reader always leaves some bytes
            stored.removeSubrange(..<storedOffset)
            storedOffset = 0
        }
        unsafe stored.append(contentsOf: bytes)
    }

    /// Calls `body` with the bytes.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe stored.isEmpty ? body(view) : stored[storedOffset...].withUnsafeBytes(body)
    }

    /// Removes the first `count` bytes. Returns whether these were the last stored bytes.
    mutating func consume(_ count: Int) -> Bool {
        guard !stored.isEmpty else {
            unsafe view = unsafe UnsafeRawBufferPointer(rebasing: view[count...])
            return false
        }
        storedOffset += count
        guard storedOffset == stored.count else { return false }
        stored.removeAll(keepingCapacity: stored.capacity <= Self.limit)
        storedOffset = 0
        return true
    }

    /// Frees its memory.
    mutating func reset() { self = ReceiveBuffer() }
}

extension UnsafeRawBufferPointer {
    static var none: Self { unsafe Self(start: nil, count: 0) }
}
