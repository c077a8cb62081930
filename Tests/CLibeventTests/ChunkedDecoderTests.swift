import CLibeventInternals
import Testing

@Suite struct `Chunked decoder` {
    /// Literal bytes of a body, what they stand for, and the section that says so. `nil`: malformed.
    struct Row: CustomTestStringConvertible, Sendable {
        let rule: String
        let bytes: String
        let body: String?
        var testDescription: String { "\(rule): \(bytes.prefix(60).debugDescription)" }

        init(_ rule: String, _ bytes: String, _ body: String?) {
            (self.rule, self.bytes, self.body) = (rule, bytes, body)
        }
    }

    static let rows = [
        Row("RFC 9112, 7.1", "0\r\n\r\n", ""),
        Row("RFC 9112, 7.1", "3\r\nabc\r\n0\r\n\r\n", "abc"),
        Row("RFC 9112, 7.1", "3\r\nabc\r\n0A\r\n0123456789\r\n000\r\n\r\n", "abc0123456789"),
        Row("RFC 9112, 7.1", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        Row("RFC 9112, 7.1", "+3\r\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", "-3\r\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", "0x3\r\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", " 3\r\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", "3 \r\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", "\r\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", "3\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", "3\r\nabc0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", "3\r\nabc\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1", "0\r\n\n", nil),
        Row("RFC 9112, 7.1", "1000000000000000\r\n", nil),
        Row("RFC 9112, 7.1.1", "3;name=value;other=\"x y\"\r\nabc\r\n0;last\r\n\r\n", "abc"),
        Row("RFC 9112, 7.1.1", "3;a\u{0}b\r\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1.1", "3;a\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1.1", "3;\(String(repeating: "x", count: 5000))\r\nabc\r\n0\r\n\r\n", nil),
        Row("RFC 9112, 7.1.2", "0\r\nTrailer: value\r\nOther: value\r\n\r\n", ""),
        Row("RFC 9112, 7.1.2", "0\r\nno colon\r\n\r\n", nil),
        Row("RFC 9112, 7.1.2", "0\r\nA : b\r\n\r\n", nil),
        Row("RFC 9112, 7.1.2", "0\r\n: b\r\n\r\n", nil),
        Row("RFC 9112, 7.1.2", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", nil),
        Row("RFC 9112, 7.1.2", "0\r\nA:\r\n\r\n", ""),
        Row("RFC 9112, 7.1.2", "0\r\n folded\r\n\r\n", nil),
        Row("RFC 9112, 7.1.2", "0\r\nA: \u{1}\r\n\r\n", nil),
        Row("RFC 9112, 7.1.2", "0\r\nA: \(String(repeating: "x", count: 5000))\r\n\r\n", nil),
    ]

    /// Decodes `bytes`, given in pieces of at most `size`. `nil`: malformed, or not at an end after the last byte.
    private func decode(_ bytes: [UInt8], piece size: Int) -> [UInt8]? {
        var decoder = chunked_decoder()
        var body: [UInt8] = []
        var position = 0
        while position < bytes.count {
            var used = 0
            var data = 0
            let piece = Array(bytes[position..<min(position + size, bytes.count)])
            switch unsafe chunked_decoder_next(&decoder, piece, piece.count, &used, &data) {
            case CHUNKED_DATA: body += piece[(used - data)..<used]
            case CHUNKED_NEEDS_MORE: break
            case CHUNKED_END: return position + used == bytes.count ? body : nil
            default: return nil
            }
            position += used
        }
        return nil
    }

    @Test(arguments: rows) func `decodes each body as the RFC says, however it is split`(row: Row) {
        let bytes = Array(row.bytes.utf8)
        for size in [1, 2, 3, 7, bytes.count] {
            #expect(decode(bytes, piece: size) == row.body.map { Array($0.utf8) }, "pieces of \(size)")
        }
    }

    @Test func `stops at the end of the body, and leaves what follows`() {
        let bytes = Array("0\r\n\r\nGET / HTTP/1.1".utf8)
        var decoder = chunked_decoder()
        var used = 0
        var data = 0
        #expect(unsafe chunked_decoder_next(&decoder, bytes, bytes.count, &used, &data) == CHUNKED_END && used == 5)
    }
}
