import HTTPClient
import TestSupport

/// The outcome of a parse of `bytes`, which lie in memory of just their size, so that a sanitizer sees a read behind
/// them.
func parse(_ bytes: some Collection<UInt8>) -> ResponseHead.Outcome {
    unsafe withCopy(of: bytes) { unsafe ResponseHead.parse($0) }
}

/// What a decoder made of a body.
struct Decoded: Equatable {
    var data: [UInt8] = []
    /// `end`, `malformed: …`, or what `close` said after the last byte: `closed` or `cut`.
    var outcome = ""
    /// Bytes up to the end; 0 when it is malformed.
    var consumed = 0
    var text: String { String(decoding: data, as: UTF8.self) }
}

/// Has a decoder read `pieces` as a connection would: each piece as it comes, again and again until it wants more.
func decode(_ framing: ResponseHead.Framing, _ pieces: [ArraySlice<UInt8>]) -> Decoded {
    var decoder = BodyDecoder(framing)
    var decoded = Decoded()
    for piece in pieces {
        let stop = unsafe withCopy(of: piece) { bytes in
            var rest = unsafe bytes
            while true {
                switch unsafe decoder.next(rest) {
                case .data(let range, let consumed):
                    precondition(!range.isEmpty && range.upperBound <= consumed && consumed <= rest.count)
                    unsafe decoded.data.append(contentsOf: rest[range])
                    decoded.consumed += consumed
                    unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[consumed...])
                case .needMore(let consumed):
                    precondition(consumed == rest.count)
                    decoded.consumed += consumed
                    return false
                case .end(let consumed):
                    precondition(decoder.isComplete)
                    decoded.consumed += consumed
                    decoded.outcome = "end"
                    return true
                case .malformed(let rule):
                    precondition(!decoder.isComplete)
                    decoded.consumed = 0
                    decoded.outcome = "malformed: \(rule)"
                    return true
                }
            }
        }
        if stop { return decoded }
    }
    decoded.outcome = decoder.close() ? "closed" : "cut"
    return decoded
}

func decode(_ framing: ResponseHead.Framing, _ text: String) -> Decoded { decode(framing, [Array(text.utf8)[...]]) }
