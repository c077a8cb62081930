/// Writes a short ASCII text, such as fields of a head, for less than interpolated strings cost. At most 768 bytes.
struct ASCIIText {
    private var storage = InlineArray<768, UInt8>(repeating: 0)
    private var count = 0

    @inline(__always)
    mutating func put(_ text: StaticString) {
        unsafe put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends ASCII text.
    mutating func put(bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe put($0) } }

    @inline(__always)
    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        unsafe fill(bytes.count) { unsafe $0.copyMemory(from: bytes) }
    }

    /// - Parameter number: not negative.
    mutating func put(_ number: Int) {
        let digits = Self.digitCount(number)
        unsafe fill(digits) { unsafe Self.write(number, to: $0) }
    }

    /// A tenth of a number, with one decimal place.
    ///
    /// - Parameter number: not negative.
    mutating func put(tenths number: Int) {
        let whole = number / 10
        let digits = Self.digitCount(whole)
        unsafe fill(digits + 2) { space in
            unsafe Self.write(whole, to: UnsafeMutableRawBufferPointer(rebasing: space[..<digits]))
            unsafe space[digits] = UInt8(ascii: ".")
            unsafe space[digits + 1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number % 10)
        }
    }

    private static func digitCount(_ number: Int) -> Int {
        var digits = 1
        var bound = 10
        while bound <= number && digits < 19 {
            digits += 1
            bound &*= 10
        }
        return digits
    }

    /// Writes a number that has as many digits as `space`.
    private static func write(_ number: Int, to space: UnsafeMutableRawBufferPointer) {
        var rest = number
        for index in stride(from: space.count - 1, through: 0, by: -1) {
            unsafe space[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// 16 hexadecimal digits.
    mutating func put(hexadecimal number: UInt64) {
        unsafe fill(16) {
            unsafe $0.storeBytes(of: Self.digits(UInt32(number >> 32)), as: UInt64.self)
            unsafe $0.storeBytes(of: Self.digits(UInt32(truncatingIfNeeded: number)), toByteOffset: 8, as: UInt64.self)
        }
    }

    /// The eight hexadecimal digits of a number, in the order in which they lie in memory.
    private static func digits(_ number: UInt32) -> UInt64 {
        // Each nibble into a byte of its own, the highest one first in memory.
        var nibbles = UInt64(number)
        nibbles = (nibbles << 32 | nibbles >> 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles << 16 | nibbles >> 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles << 8 | nibbles >> 4) & 0x0F0F_0F0F_0F0F_0F0F
        // 1 in each byte that is at least 10: these digits are letters, which lie 39 behind ":".
        let letters = ((nibbles &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return (nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39).littleEndian
    }

    /// Appends bytes that `body` writes.
    @inline(__always)
    private mutating func fill(_ added: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        let range = count..<(count + added)
        count = range.upperBound
        var space = storage.mutableSpan
        unsafe space.withUnsafeMutableBytes { unsafe body(UnsafeMutableRawBufferPointer(rebasing: $0[range])) }
    }

    /// A copy of it.
    var bytes: [UInt8] { unsafe withBytes { unsafe Array($0) } }

    /// A copy of it.
    var string: String { unsafe withBytes { unsafe String(decoding: $0, as: UTF8.self) } }

    private func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        unsafe storage.span.extracting(..<count).withUnsafeBufferPointer { unsafe body($0) }
    }
}
