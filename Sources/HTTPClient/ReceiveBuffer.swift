/// Bytes that came on a connection and that nobody has consumed yet.
///
/// What a read brings is looked at where it lies, as long as it lies there; what is left of it then is stored. Belongs
/// to the loop's thread.
///
/// `@safe`: `view` is set by `beginRead` and cleared by `endRead`, between which its bytes must stay.
@safe struct ReceiveBuffer {
    /// Bytes that may be stored before reading should stop.
    private static let limit = 64 * 1024

    /// The bytes of the read that is being handled. Empty when there are stored bytes, which come first.
    private var view = unsafe UnsafeRawBufferPointer.none
    private var stored: [UInt8] = []
    private var storedOffset = 0

    var isEmpty: Bool { unsafe view.isEmpty && stored.isEmpty }

    /// Whether so much is stored that reading should stop until it was consumed.
    var isFull: Bool { stored.count - storedOffset > Self.limit }

    /// Takes what a read brings. `bytes` must stay until `endRead`.
    mutating func beginRead(_ bytes: UnsafeRawBufferPointer) {
        if stored.isEmpty { unsafe view = unsafe bytes } else { unsafe store(bytes) }
    }

    /// Stores what was not consumed of the read's bytes, which are about to go away.
    mutating func endRead() {
        if unsafe !view.isEmpty { unsafe store(view) }
        unsafe view = unsafe .none
    }

    private mutating func store(_ bytes: UnsafeRawBufferPointer) {
        if storedOffset > Self.limit {  // a reader that always leaves something must not make it grow for ever
            stored.removeSubrange(..<storedOffset)
            storedOffset = 0
        }
        unsafe stored.append(contentsOf: bytes)
    }

    /// Calls `body` with the bytes.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe stored.isEmpty ? body(view) : stored[storedOffset...].withUnsafeBytes(body)
    }

    /// The first `count` bytes are done with. Returns whether that was the last of what was stored.
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
