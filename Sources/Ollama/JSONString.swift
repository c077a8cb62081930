/// Turns the inside of a JSON string into the text that it stands for.
enum JSONString {
    /// Appends the text of `raw`, the bytes between the quotes, as UTF-8. False, with some of it appended, when an escape is
    /// malformed or stands for half a surrogate pair. The bytes themselves have been checked to be UTF-8.
    static func append(_ raw: UnsafeRawBufferPointer, to text: inout [UInt8]) -> Bool {
        var position = 0
        while position < raw.count {
            let end = raw[position...].firstIndex(of: UInt8(ascii: "\\")) ?? raw.count
            text.append(contentsOf: raw[position..<end])
            if end == raw.count { return true }
            guard end + 1 < raw.count else { return false }
            position = end + 2
            switch raw[end + 1] {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(raw[end + 1])
            case UInt8(ascii: "u"):
                guard let scalar = scalar(in: raw, at: &position) else { return false }
                text.append(contentsOf: UTF8.encode(scalar)!)
            default: return false
            }
        }
        return true
    }

    /// The character of a `\uXXXX` whose digits begin at `position`, and of the second one of a pair.
    private static func scalar(in raw: UnsafeRawBufferPointer, at position: inout Int) -> Unicode.Scalar? {
        guard let first = unit(in: raw, at: &position) else { return nil }
        guard first & 0xF800 == 0xD800 else { return Unicode.Scalar(first) }
        guard first < 0xDC00, position + 1 < raw.count, raw[position] == UInt8(ascii: "\\"),
            raw[position + 1] == UInt8(ascii: "u")
        else { return nil }
        position += 2
        guard let second = unit(in: raw, at: &position), second & 0xFC00 == 0xDC00 else { return nil }
        return Unicode.Scalar(0x10000 + (UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF)))
    }

    private static func unit(in raw: UnsafeRawBufferPointer, at position: inout Int) -> UInt16? {
        guard position + 4 <= raw.count else { return nil }
        var unit: UInt16 = 0
        for byte in raw[position..<(position + 4)] {
            switch byte {
            case 0x30...0x39: unit = unit << 4 | UInt16(byte - 0x30)
            case 0x41...0x46, 0x61...0x66: unit = unit << 4 | UInt16((byte | 0x20) - 0x61 + 10)
            default: return nil
            }
        }
        position += 4
        return unit
    }
}
