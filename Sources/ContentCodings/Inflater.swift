internal import CZlib

/// Decodes the formats of zlib. Source: RFC 1950, 1951 and 1952; zlib.h.
enum Inflater {
    enum Format: CInt {
        case zlib = 15
        case gzip = 31
        case bare = -15
    }

    /// Decodes all of `body`: gzip may have several members.
    static func inflate(_ body: [UInt8], _ format: Format, limit: Int) throws(ContentCoding.Failure) -> [UInt8] {
        guard let decoded = try inflate(ifBegun: body, format, limit: limit) else { throw .malformed }
        return decoded
    }

    /// Returns `nil` if not even the beginning of `body` is of the format.
    static func inflate(
        ifBegun body: [UInt8], _ format: Format, limit: Int
    ) throws(ContentCoding.Failure) -> [UInt8]? {
        var output = DecodedBytes(limit: limit)
        var outcome = Outcome.malformed
        unsafe body.withUnsafeBytes { unsafe outcome = run($0, format, &output) }
        switch outcome {
        case .done: return output.bytes
        case .notBegun: return nil
        case .malformed: throw .malformed
        case .tooLong: throw .tooLong
        }
    }

    private enum Outcome {
        case done, notBegun, malformed, tooLong
    }

    private static func run(_ body: UnsafeRawBufferPointer, _ format: Format, _ output: inout DecodedBytes) -> Outcome {
        var stream = unsafe z_stream()
        let size = CInt(unsafe MemoryLayout<z_stream>.size)
        guard unsafe inflateInit2_(&stream, format.rawValue, ZLIB_VERSION, size) == Z_OK else { return .malformed }
        defer { unsafe inflateEnd(&stream) }
        var piece = [UInt8](repeating: 0, count: DecodedBytes.pieceBytes)
        var position = 0
        while true {
            // zlib counts in 32 bits.
            let available = min(body.count - position, 1 << 30)
            let before = position
            var written = 0
            let status = unsafe piece.withUnsafeMutableBytes { room in
                let next = unsafe body.baseAddress?.advanced(by: position)
                unsafe stream.next_in = unsafe UnsafeMutablePointer(
                    mutating: next?.assumingMemoryBound(to: UInt8.self))
                unsafe stream.avail_in = UInt32(available)
                unsafe stream.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.avail_out = UInt32(room.count)
                let status = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
                written = unsafe room.count - Int(stream.avail_out)
                position += unsafe available - Int(stream.avail_in)
                return status
            }
            if !output.append(piece, written) { return .tooLong }
            switch status {
            case Z_OK where position > before || written > 0: continue
            case Z_STREAM_END where position == body.count: return .done
            case Z_STREAM_END where format == .gzip:
                guard unsafe inflateReset(&stream) == Z_OK else { return .malformed }
            case Z_DATA_ERROR where output.bytes.isEmpty: return .notBegun
            default: return .malformed  // or it ends too early
            }
        }
    }
}
