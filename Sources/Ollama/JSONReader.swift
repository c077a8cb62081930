/// Walks through JSON without making anything of it: strictly valid JSON, or it stops. Source: RFC 8259.
struct JSONReader {
    /// This is not JSON, or not JSON that the reader wants to judge.
    struct Stop: Error {}

    /// A string, without its quotes, as it stands.
    struct Text {
        var range: Range<Int>
        var hasEscapes: Bool
    }

    private static let depthLimit = 64

    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    // MARK: Structure

    /// The next byte that is no white space, which stays.
    mutating func peek() throws(Stop) -> UInt8 {
        skipSpace()
        guard position < bytes.count else { throw Stop() }
        return bytes[position]
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    mutating func expect(_ byte: UInt8) throws(Stop) {
        guard try peek() == byte else { throw Stop() }
        position += 1
    }

    /// Whether `byte` is next; then it is taken.
    mutating func take(_ byte: UInt8) throws(Stop) -> Bool {
        guard try peek() == byte else { return false }
        position += 1
        return true
    }

    /// Goes through an object: `member` gets each name and must read, or skip, its value.
    mutating func object(_ member: (inout JSONReader, Text) throws(Stop) -> Void) throws(Stop) {
        try expect(UInt8(ascii: "{"))
        if try take(UInt8(ascii: "}")) { return }
        repeat {
            guard try peek() == UInt8(ascii: "\"") else { throw Stop() }
            let name = try string()
            try expect(UInt8(ascii: ":"))
            try member(&self, name)
        } while try take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Any value, checked and passed over.
    mutating func skipValue(depth: Int = 0) throws(Stop) {
        guard depth < Self.depthLimit else { throw Stop() }
        switch try peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"):
            try object { (reader, _) throws(Stop) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            position += 1
            if try take(UInt8(ascii: "]")) { return }
            repeat { try skipValue(depth: depth + 1) } while try take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try boolean()
        case UInt8(ascii: "n"): try literal("null")
        default: try number()
        }
    }

    // MARK: Values

    mutating func boolean() throws(Stop) -> Bool {
        let isTrue = try peek() == UInt8(ascii: "t")
        try literal(isTrue ? "true" : "false")
        return isTrue
    }

    private mutating func literal(_ word: StaticString) throws(Stop) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < bytes.count, bytes[position] == word.utf8Start[offset] else { throw Stop() }
            position += 1
        }
    }

    private mutating func number() throws(Stop) {
        if current == UInt8(ascii: "-") { position += 1 }
        if current == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if current == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if let byte = current, byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
    }

    private mutating func digits() throws(Stop) {
        let start = position
        while let byte = current, byte >= 0x30, byte <= 0x39 { position += 1 }
        if position == start { throw Stop() }
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// A string. Escapes are checked for their form, and the bytes for being UTF-8.
    mutating func string() throws(Stop) -> Text {
        try expect(UInt8(ascii: "\""))
        let start = position
        var hasEscapes = false
        while true {
            skipPlain()
            guard let byte = current else { throw Stop() }
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return Text(range: start..<(position - 1), hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                position += 1
                guard current != nil else { throw Stop() }
                position += 1  // what follows is checked when the string is read
            case 0x80...:
                guard let length = UTF8Check.length(of: bytes, at: position) else { throw Stop() }
                position += length
            case ..<0x20: throw Stop()
            default: position += 1
            }
        }
    }

    /// Whether a string is `word`, letter for letter.
    func text(_ text: Text, is word: StaticString) -> Bool {
        text.range.count == word.utf8CodeUnitCount
            && UnsafeRawBufferPointer(rebasing: bytes[text.range])
                .elementsEqual(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// Passes over ASCII that needs no look, eight bytes at a time.
    private mutating func skipPlain() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones << 7
        while position + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // A high bit marks a byte that is zero after the XOR, below 0x20, or not ASCII.
            let special =
                ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- ones &* 0x20) & ~word) | word
            let marks = special & highs
            if marks != 0 {
                position += marks.littleEndian.trailingZeroBitCount / 8
                return
            }
            position += 8
        }
    }
}

/// Strict UTF-8. Source: RFC 3629.
enum UTF8Check {
    /// The length of the sequence that begins at `position`, or `nil` when it is none.
    static func length(of bytes: UnsafeRawBufferPointer, at position: Int) -> Int? {
        let lead = bytes[position]
        let (length, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else { return nil }
        for offset in 2..<max(length, 2) where bytes[position + offset] & 0xC0 != 0x80 { return nil }
        return length
    }
}
