internal import CZstd

/// Decodes zstd, one frame or several. Source: RFC 8878; zstd.h.
enum ZstdDecoder {
    /// The longest window is 8 MiB. Source: RFC 9659, 3.
    private static let maximumWindowLog: CInt = 23

    static func decode(_ body: [UInt8], limit: Int) throws(ContentCoding.Failure) -> [UInt8] {
        var output = DecodedBytes(limit: limit)
        var failure: ContentCoding.Failure?
        unsafe body.withUnsafeBytes { body in
            do throws(ContentCoding.Failure) {
                unsafe try run(body, &output)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return output.bytes
    }

    private static func run(
        _ body: UnsafeRawBufferPointer, _ output: inout DecodedBytes
    ) throws(ContentCoding.Failure) {
        guard let context = unsafe ZSTD_createDCtx() else { throw .malformed }
        defer { unsafe ZSTD_freeDCtx(context) }
        unsafe _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, maximumWindowLog)
        var piece = [UInt8](repeating: 0, count: DecodedBytes.pieceBytes)
        var input = unsafe ZSTD_inBuffer(src: body.baseAddress, size: body.count, pos: 0)
        var rest = 1  // bytes that the frame still needs, or a hint of them; 0 at its end
        while true {
            let before = unsafe input.pos
            var written = 0
            rest = unsafe piece.withUnsafeMutableBytes { room in
                var output = unsafe ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
                let rest = unsafe ZSTD_decompressStream(context, &output, &input)
                written = unsafe output.pos
                return rest
            }
            guard ZSTD_isError(rest) == 0 else { throw .malformed }
            if !output.append(piece, written) { throw .tooLong }
            if unsafe rest == 0 && input.pos == input.size { return }
            guard unsafe input.pos > before || written > 0 else { throw .malformed }  // it ends too early
        }
    }
}
