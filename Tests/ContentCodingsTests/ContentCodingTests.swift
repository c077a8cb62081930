import CZlib
import CZstd
import ContentCodings
import TestSupport
import Testing

@Suite struct `Content codings` {
    /// Compresses with zlib; `windowBits` tells the format. Source: zlib.h, deflateInit2.
    private static func deflated(_ bytes: [UInt8], windowBits: CInt) -> [UInt8] {
        var stream = unsafe z_stream()
        let size = CInt(unsafe MemoryLayout<z_stream>.size)
        unsafe precondition(
            deflateInit2_(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK)
        defer { unsafe deflateEnd(&stream) }
        var input = bytes
        return unsafe [UInt8](unsafeUninitializedCapacity: bytes.count + 1000) { room, count in
            unsafe input.withUnsafeMutableBufferPointer { input in
                unsafe (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
                unsafe (stream.next_out, stream.avail_out) = (room.baseAddress, UInt32(room.count))
                unsafe precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
            }
            count = unsafe Int(stream.total_out)
        }
    }

    private static func zstd(_ bytes: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { room, count in
            count = unsafe bytes.withUnsafeBytes {
                unsafe ZSTD_compress(room.baseAddress, room.count, $0.baseAddress, $0.count, 3)
            }
        }
    }

    static let forms: [(name: String, coding: ContentCoding, encode: @Sendable ([UInt8]) -> [UInt8])] = [
        ("gzip", .gzip, { deflated($0, windowBits: 31) }), ("zlib", .deflate, { deflated($0, windowBits: 15) }),
        ("bare", .deflate, { deflated($0, windowBits: -15) }), ("zstd", .zstd, { zstd($0) }),
    ]

    @Test(arguments: forms.indices, [0, 1, 100, 65_535, 65_536, 65_537, 1_000_000])
    func `decode what was encoded`(form: Int, count: Int) throws {
        let (_, coding, encode) = Self.forms[form]
        for bytes in [SeededRandom.bytes(count, 7), [UInt8](repeating: 0x61, count: count)] {
            let encoded = encode(bytes)
            #expect(try coding.decode(encoded, limit: count) == bytes)
            if count > 0 {
                #expect(throws: ContentCoding.Failure.tooLong) { try coding.decode(encoded, limit: count - 1) }
            }
        }
    }

    @Test(arguments: forms.indices)
    func `refuse what is cut, damaged or followed by something`(form: Int) throws {
        let (name, coding, encode) = Self.forms[form]
        let encoded = encode(SeededRandom.bytes(3000, 9))
        for end in [0, 1, 2, 5, 100, encoded.count / 2, encoded.count - 1] {
            #expect(throws: ContentCoding.Failure.malformed) {
                try coding.decode(Array(encoded[..<end]), limit: 1 << 20)
            }
        }
        #expect(throws: ContentCoding.Failure.malformed) { try coding.decode(encoded + [1, 2, 3], limit: 1 << 20) }
        #expect(throws: ContentCoding.Failure.malformed) { try coding.decode(Array("{}".utf8), limit: 1 << 20) }
        if name == "bare" { return }  // it has no checksum
        var damaged = encoded
        damaged[encoded.count / 2] ^= 0x55
        let decoded = try? coding.decode(damaged, limit: 1 << 20)
        #expect(decoded == nil || coding == .zstd)  // a frame of zstd may be without a checksum
    }

    @Test func `decode several members, one after the other`() throws {
        let (one, two) = (Array("one ".utf8), Array("two".utf8))
        for form in Self.forms where form.coding != .deflate {
            #expect(try form.coding.decode(form.encode(one) + form.encode(two), limit: 100) == one + two)
        }
    }

    @Test func `decode a short body to half a megabyte, and a long one to 200 times its size`() {
        #expect(ContentCoding.limit(of: 100, atMost: 32 << 20) == 512 * 1024 + 20_000)
        #expect(ContentCoding.limit(of: 100, atMost: 1000) == 1000)
        #expect(ContentCoding.limit(of: 1 << 20, atMost: 32 << 20) == 32 << 20)
        #expect(ContentCoding.limit(of: 1 << 20, atMost: 1 << 40) == 512 * 1024 + 200 << 20)
    }

    @Test func `have names in any case`() {
        #expect(ContentCoding(name: "GZip") == .gzip && ContentCoding(name: "x-gzip") == .gzip)
        #expect(ContentCoding(name: "br") == nil && ContentCoding(name: "identity") == nil)
        #expect(ContentCoding.accepted == "gzip, deflate, zstd, identity")
    }
}
