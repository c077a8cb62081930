internal import CLibevent

/// A piece of a head: the name or the value of a field, not copied. It is valid as long as the bytes that it points to.
///
/// `@safe`: it is made and used only inside `ResponseHead.parse`, which does not return it.
@safe struct FieldText {
    private let bytes: UnsafeRawBufferPointer

    init(_ head: UnsafeRawBufferPointer, _ range: Range<Int>) {
        unsafe bytes = unsafe UnsafeRawBufferPointer(rebasing: head[range])
    }

    /// The text without the spaces and tabs around it. Source: RFC 9110, 5.6.3.
    var trimmed: FieldText {
        var start = 0
        var end = unsafe bytes.count
        while start < end, unsafe Self.isSpace(bytes[start]) { start += 1 }
        while end > start, unsafe Self.isSpace(bytes[end - 1]) { end -= 1 }
        return unsafe FieldText(bytes, start..<end)
    }

    /// The text before the first semicolon: a media type without its parameters.
    var beforeSemicolon: FieldText {
        unsafe FieldText(bytes, 0..<(bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.count)).trimmed
    }

    /// The text as a number, 1*DIGIT; `Int.max` and `overflow` when it is too large, `nil` when it is not a number.
    var number: (value: Int, overflow: Bool)? {
        if unsafe bytes.isEmpty { return nil }
        var value = 0
        var overflow = false
        for index in unsafe bytes.indices {
            let byte = unsafe bytes[index]
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let tenfold = value.multipliedReportingOverflow(by: 10)
            let sum = tenfold.partialValue.addingReportingOverflow(Int(byte - 0x30))
            overflow = overflow || tenfold.overflow || sum.overflow
            value = overflow ? Int.max : sum.partialValue
        }
        return (value, overflow)
    }

    /// The seconds from now to the date that the text is, or 0 if it is past; `nil` when it is no date.
    ///
    /// Source: RFC 9110, 5.6.7: IMF-fixdate, which senders must use.
    var secondsToDate: Int? {
        let seconds = unsafe shim_seconds_to_date(String(decoding: bytes, as: UTF8.self))
        return seconds < 0 ? nil : Int(seconds)
    }

    /// Whether the text equals `word`, ignoring case. `word` must be in lower case.
    func equals(_ word: StaticString) -> Bool {
        guard unsafe bytes.count == word.utf8CodeUnitCount else { return false }
        for index in unsafe bytes.indices {
            let byte = unsafe bytes[index]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if unsafe lower != word.utf8Start[index] { return false }
        }
        return true
    }

    /// Calls `use` with each element of a comma-separated list. Source: RFC 9110, 5.6.1.
    func forEachElement(_ use: (FieldText) -> Void) {
        var start = 0
        while unsafe start <= bytes.count {
            let end = unsafe bytes[start...].firstIndex(of: UInt8(ascii: ",")) ?? bytes.count
            unsafe use(FieldText(bytes, start..<end).trimmed)
            start = end + 1
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
