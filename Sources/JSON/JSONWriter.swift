/// Writes JSON of a fixed structure: the caller writes the braces and commas. Source: RFC 8259.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    /// Appends JSON unchanged.
    package mutating func put(_ json: StaticString) {
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: json.utf8Start, count: json.utf8CodeUnitCount))
    }

    /// Appends JSON unchanged, such as a number.
    package mutating func put(raw json: String) { bytes.append(contentsOf: json.utf8) }

    /// Appends a number.
    package mutating func put(_ number: Int) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// Appends 16 hexadecimal digits.
    package mutating func put(hexadecimal number: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            put(digit: UInt8(truncatingIfNeeded: number >> shift) & 15)
        }
    }

    private mutating func put(digit: UInt8) {
        let digits: StaticString = "0123456789abcdef"
        unsafe bytes.append(digits.utf8Start[Int(digit)])
    }

    /// Appends the inside of a string.
    package mutating func put(_ text: JSONText) { bytes.append(contentsOf: text.bytes) }

    /// Appends `before` and the value, or nothing if the value is `nil`.
    package mutating func put(_ before: StaticString, _ value: JSONValue?) {
        guard let value else { return }
        put(before)
        bytes.append(contentsOf: value.bytes)
    }

    /// Appends a string in quotes, with the necessary escapes.
    package mutating func put(quoted text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { unsafe put(escaped: $0) }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func put(escaped text: UnsafeBufferPointer<UInt8>) {
        var start = 0  // of the part that needs no escape
        for index in text.indices {
            let byte = unsafe text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            unsafe bytes.append(contentsOf: text[start..<index])
            start = index + 1
            bytes.append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
            case 0x0A: bytes.append(UInt8(ascii: "n"))
            case 0x0D: bytes.append(UInt8(ascii: "r"))
            case 0x09: bytes.append(UInt8(ascii: "t"))
            default:
                put("u00")
                put(digit: byte >> 4)
                put(digit: byte & 15)
            }
        }
        unsafe bytes.append(contentsOf: text[start...])
    }
}
