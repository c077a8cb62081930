/// A buffer for output. All replies share one, since each empties it before another reply uses it. Belongs to the
/// loop's thread.
final class ScratchBuffer {
    var bytes: [UInt8] = []

    /// Empties the buffer, and frees its memory if an unusually long line made it large.
    func clear() { bytes.removeAll(keepingCapacity: bytes.capacity <= 256 * 1024) }
}
