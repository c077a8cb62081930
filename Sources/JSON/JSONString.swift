internal import Glibc

/// Functions for the text between the quotes of a JSON string. Source: RFC 8259, 7 and 8.1; RFC 3629 for UTF-8.
///
/// They are pure functions, usable on any thread. Only `appendUnescaped` may allocate, for its output. No byte outside
/// the given bytes is read.
public enum JSONString {
    /// Skips plain text, from `start` to the first quote, backslash or control character.
    ///
    /// - Returns: the index of that character, or the end of `bytes`; `nil` when the text is not UTF-8.
    public static func endOfPlainText(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var position = start
        while true {
            while position <= bytes.count - 8 {
                let mask = unsafe special(bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                if mask != 0 {
                    position += mask.trailingZeroBitCount / 8
                    break
                }
                position += 8
            }
            guard position < bytes.count else { return position }
            var byte = unsafe bytes[position]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return position }
            if byte < 0x80 { position += 1 }  // among the last seven bytes
            while byte >= 0x80 {
                guard let length = unsafe sequenceLength(bytes, at: position) else { return nil }
                position += length
                guard position < bytes.count else { return position }
                byte = unsafe bytes[position]
            }
        }
    }

    /// Sets the high bit of each byte that is below 0x20, above 0x7F, a quote or a backslash. Only the lowest set bit
    /// is reliable; bits above it may be wrong.
    ///
    /// Source: "Bit Twiddling Hacks", Determine if a word has a byte less than n.
    private static func special(_ word: UInt64) -> UInt64 {
        let word = UInt64(littleEndian: word)
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones << 7
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let controls = (word &- ones &* 0x20) & ~word
        return (word | controls | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)) & highs
    }

    /// The length of the UTF-8 sequence of two to four bytes at `start`; `nil` if there is none. Source: RFC 3629, 4.
    private static func sequenceLength(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int? {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch unsafe bytes[start] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)  // shorter ones are overlong
        case 0xED: (length, second) = (3, 0x80...0x9F)  // others are surrogates
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)  // shorter ones are overlong
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)  // U+10FFFF is the last
        default: return nil
        }
        guard length <= bytes.count - start, unsafe second.contains(bytes[start + 1]) else { return nil }
        if length > 2, unsafe bytes[start + 2] & 0xC0 != 0x80 { return nil }
        if length > 3, unsafe bytes[start + 3] & 0xC0 != 0x80 { return nil }
        return length
    }

    /// Reads the escape whose backslash is at `start`.
    ///
    /// - Returns: the scalar that it stands for, the index after it, and whether it is half a surrogate pair, which stands
    ///   for U+FFFD; `nil` when it is malformed. Source: RFC 8259, 8.2; Unicode 16, 3.9, "U+FFFD Substitution".
    public static func escape(
        _ bytes: UnsafeRawBufferPointer, at start: Int
    ) -> (scalar: Unicode.Scalar, end: Int, isHalf: Bool)? {
        guard bytes.count - start >= 2 else { return nil }
        let scalar: Unicode.Scalar
        switch unsafe Unicode.Scalar(bytes[start + 1]) {
        case "\"": scalar = "\""
        case "\\": scalar = "\\"
        case "/": scalar = "/"
        case "b": scalar = "\u{08}"
        case "f": scalar = "\u{0C}"
        case "n": scalar = "\n"
        case "r": scalar = "\r"
        case "t": scalar = "\t"
        case "u": return unsafe unicodeEscape(bytes, at: start)
        default: return nil
        }
        return (scalar, start + 2, false)
    }

    private static func unicodeEscape(
        _ bytes: UnsafeRawBufferPointer, at start: Int
    ) -> (scalar: Unicode.Scalar, end: Int, isHalf: Bool)? {
        guard let unit = unsafe codeUnit(bytes, at: start) else { return nil }
        if let scalar = Unicode.Scalar(unit) { return (scalar, start + 6, false) }
        // Only a surrogate is not a scalar: this one is half a pair unless it is high, and a low one follows.
        guard unit < 0xDC00, let low = unsafe codeUnit(bytes, at: start + 6), let scalar = scalar(unit, low) else {
            return (replacement, start + 6, true)
        }
        return (scalar, start + 12, false)
    }

    /// What stands for half a surrogate pair.
    private static let replacement: Unicode.Scalar = "\u{FFFD}"

    /// The scalar of a surrogate pair; `nil` if `low` is no low surrogate. `high` must be a high one.
    private static func scalar(_ high: UInt16, _ low: UInt16) -> Unicode.Scalar? {
        guard (0xDC00...0xDFFF).contains(low) else { return nil }
        return Unicode.Scalar(0x10000 + UInt32(high - 0xD800) << 10 + UInt32(low - 0xDC00))
    }

    /// The code unit that `\uXXXX` at `start` stands for.
    private static func codeUnit(_ bytes: UnsafeRawBufferPointer, at start: Int) -> UInt16? {
        guard bytes.count - start >= 6, unsafe bytes[start] == UInt8(ascii: "\\"),
            unsafe bytes[start + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt16 = 0
        for index in (start + 2)..<(start + 6) {
            let byte = unsafe bytes[index]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// Appends the text between the quotes as UTF-8, with its escapes resolved.
    ///
    /// - Returns: false when it is malformed; then `output` is unchanged.
    public static func appendUnescaped(_ raw: UnsafeRawBufferPointer, to output: inout [UInt8]) -> Bool {
        let before = output.count
        var position = 0
        while let end = unsafe endOfPlainText(raw, from: position) {
            unsafe output.append(contentsOf: UnsafeRawBufferPointer(rebasing: raw[position..<end]))
            if end == raw.count { return true }
            // A quote or a control character is malformed too.
            guard unsafe raw[end] == UInt8(ascii: "\\"), let escape = unsafe escape(raw, at: end) else { break }
            append(escape.scalar, to: &output)
            position = escape.end
        }
        output.removeSubrange(before...)
        return false
    }

    /// Appends the text of one part of a string that comes in several, as UTF-8. A surrogate pair may be split between
    /// two parts.
    ///
    /// - Parameters:
    ///   - raw: the text between the quotes of the part; it must be valid.
    ///   - half: the high surrogate at the end of the part before, and of this one.
    public static func appendPart(_ raw: UnsafeRawBufferPointer, after half: inout UInt16?, to output: inout [UInt8]) {
        var rest = unsafe raw
        if let high = half, unsafe !raw.isEmpty {
            half = nil
            let pair = unsafe codeUnit(raw, at: 0).flatMap { scalar(high, $0) }
            append(pair ?? replacement, to: &output)
            if pair != nil { unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: raw[6...]) }
        }
        _ = unsafe appendUnescaped(rest, to: &output)
        // The last six bytes may also be plain text after an escaped backslash: `\\ud83d`. Then nothing was replaced.
        guard rest.count >= 6, let last = unsafe codeUnit(rest, at: rest.count - 6), last & 0xFC00 == 0xD800,
            output.suffix(3).elementsEqual("\u{FFFD}".utf8)
        else { return }
        output.removeLast(3)
        half = last
    }

    /// Whether there may be an escaped half of a surrogate pair, with or without its other half, in the text between
    /// the quotes, or in any JSON.
    public static func mayHaveHalves(_ raw: UnsafeRawBufferPointer) -> Bool {
        guard let start = raw.baseAddress else { return false }
        var position = 0
        while position + 6 <= raw.count {
            guard let backslash = unsafe memchr(start + position, 0x5C, raw.count - position) else { return false }
            position = unsafe start.distance(to: backslash)
            guard position + 6 <= raw.count else { return false }
            if unsafe raw[position + 1] == UInt8(ascii: "u") && raw[position + 2] | 0x20 == UInt8(ascii: "d") {
                return true
            }
            position += 2
        }
        return false
    }

    /// Appends JSON in which each escaped half of a surrogate pair that has no other is replaced by U+FFFD.
    public static func appendWithoutHalves(_ json: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        var position = 0
        while position < json.count {
            var end = position + 1
            if unsafe json[position] == UInt8(ascii: "\\"), let escape = unsafe escape(json, at: position) {
                end = escape.end
                if escape.isHalf {
                    output.append(contentsOf: "\\ufffd".utf8)
                    position = end
                    continue
                }
            }
            unsafe output.append(contentsOf: json[position..<end])
            position = end
        }
    }

    /// Appends what stands for a half that has no other.
    public static func appendHalf(_ half: inout UInt16?, to output: inout [UInt8]) {
        if half != nil { append(replacement, to: &output) }
        half = nil
    }

    private static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        if scalar.isASCII {
            output.append(UInt8(truncatingIfNeeded: scalar.value))
        } else if let encoded = UTF8.encode(scalar) {  // always succeeds: a scalar is not a surrogate
            output.append(contentsOf: encoded)
        }
    }
}
