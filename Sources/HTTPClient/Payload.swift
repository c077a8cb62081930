/// A request's body: bytes that stay where they are, so that a socket can take them without a copy.
///
/// `@unchecked Sendable`: immutable.
public final class Payload: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    public init(_ body: some Collection<UInt8>) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: body.count, alignment: 1)
        copy.copyBytes(from: body)
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit { bytes.deallocate() }

    public var count: Int { bytes.count }
}
