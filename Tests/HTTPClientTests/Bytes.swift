import HTTPClient

/// The outcome of a parse of `bytes`, which lie in memory of just their size, so that a sanitizer sees a read behind
/// them.
func parse(_ bytes: some Collection<UInt8>) -> ResponseHead.Outcome {
    withCopy(of: bytes) { ResponseHead.parse($0) }
}

func withCopy<Result>(of bytes: some Collection<UInt8>, _ use: (UnsafeRawBufferPointer) -> Result) -> Result {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return use(UnsafeRawBufferPointer(copy))
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
        let stop = withCopy(of: piece) { bytes in
            var rest = bytes
            while true {
                switch decoder.next(rest) {
                case .data(let range, let consumed):
                    precondition(!range.isEmpty && range.upperBound <= consumed && consumed <= rest.count)
                    decoded.data.append(contentsOf: rest[range])
                    decoded.consumed += consumed
                    rest = UnsafeRawBufferPointer(rebasing: rest[consumed...])
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

/// Numbers that are the same in every run. Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators".
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension [UInt8] {
    /// Changes one to three bytes: another value, one more, one less, or a piece of syntax.
    mutating func mutate(with syntax: [UInt8], using random: inout SplitMix64) {
        for _ in 0..<Int.random(in: 1...3, using: &random) where !isEmpty {
            let index = Int.random(in: indices, using: &random)
            let byte = syntax.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<5, using: &random) {
            case 0: self[index] = UInt8.random(in: 0...255, using: &random)
            case 1: self[index] = byte
            case 2: insert(byte, at: index)
            case 3: remove(at: index)
            default: self[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
        }
    }
}
