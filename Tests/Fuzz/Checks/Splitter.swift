/// Cuts bytes into pieces, as reads from a socket would. The cuts follow from a seed.
struct Splitter {
    private var state: UInt32

    /// - Parameter seed: 0: everything is one piece; 1: each byte is a piece.
    init(seed: UInt32) { state = seed }

    /// The pieces of `bytes`. None is empty.
    mutating func pieces(of bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes
        while !rest.isEmpty {
            let size = min(nextSize(rest.count), rest.count)
            pieces.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return pieces
    }

    private mutating func nextSize(_ left: Int) -> Int {
        if state < 2 { return state == 0 ? left : 1 }
        state = max(2, state &* 1_664_525 &+ 1_013_904_223)  // Knuth, The Art of Computer Programming, 3.3.4
        let isLong = state >> 30 & 1 == 1
        return Int(state >> 16 & (isLong ? 127 : 7)) + 1
    }
}

extension ArraySlice<UInt8> {
    /// Calls `use` with a copy in memory of just its size, so that a sanitizer sees a read behind it.
    func withCopy<Result>(_ use: (UnsafeRawBufferPointer) -> Result) -> Result {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { unsafe copy.deallocate() }
        unsafe copy.copyBytes(from: self)
        return unsafe use(UnsafeRawBufferPointer(copy))
    }
}
