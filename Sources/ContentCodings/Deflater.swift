internal import CZlib

/// Encodes bytes as gzip. Source: RFC 1952; zlib.h.
package enum Deflater {
    /// Usable on any thread. `nil` if there is no memory for it.
    package static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = unsafe z_stream()
        let size = CInt(unsafe MemoryLayout<z_stream>.size)
        // The fastest level: text such as metrics shrinks to a tenth with any.
        let status = unsafe deflateInit2_(&stream, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
        guard status == Z_OK, bytes.count < 1 << 30 else { return nil }
        defer { unsafe deflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: Int(unsafe deflateBound(&stream, UInt(bytes.count))))
        let result = unsafe bytes.withUnsafeBytes { input in
            unsafe output.withUnsafeMutableBytes { room in
                // zlib does not write to the input.
                unsafe stream.next_in = unsafe UnsafeMutablePointer(
                    mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
                unsafe stream.avail_in = UInt32(input.count)
                unsafe stream.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.avail_out = UInt32(room.count)
                return unsafe deflate(&stream, Z_FINISH)
            }
        }
        guard result == Z_STREAM_END else { return nil }
        output.removeLast(Int(unsafe stream.avail_out))
        return output
    }
}
