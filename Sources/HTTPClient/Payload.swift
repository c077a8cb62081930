internal import Glibc

/// A request's body: bytes at a fixed address, so that a socket can take them without a copy.
///
/// `@unchecked Sendable`, `@safe`: the bytes are never written after `init`, and freed with the last reference.
@safe package final class Payload: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    package init(_ body: some Collection<UInt8>) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: body.count, alignment: 1)
        unsafe copy.copyBytes(from: body)
        unsafe bytes = UnsafeRawBufferPointer(copy)
    }

    deinit { unsafe bytes.deallocate() }

    /// A copy of the first `limit` bytes. The time is proportional to their number.
    package func copy(upTo limit: Int = .max) -> [UInt8] { unsafe Array(bytes.prefix(limit)) }

    /// Whether the bytes are equal. The time is proportional to their number.
    package func isEqual(to other: Payload) -> Bool {
        guard count == other.count, let start = unsafe bytes.baseAddress,
            let otherStart = unsafe other.bytes.baseAddress
        else {
            return count == other.count
        }
        return unsafe memcmp(start, otherStart, count) == 0
    }

    /// The first byte.
    package var first: UInt8? { unsafe bytes.first }

    package var count: Int { unsafe bytes.count }
}
