/// The result of decoding, which grows up to a limit.
struct DecodedBytes {
    private(set) var bytes: [UInt8] = []
    private let limit: Int

    /// Bytes that are decoded at once.
    static let pieceBytes = 64 * 1024

    init(limit: Int) { self.limit = limit }

    /// Appends the first `count` bytes of `piece`. Returns false if the result would be too long.
    mutating func append(_ piece: [UInt8], _ count: Int) -> Bool {
        guard bytes.count + count <= limit else { return false }
        bytes.append(contentsOf: piece[..<count])
        return true
    }
}
