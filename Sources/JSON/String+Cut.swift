extension StringProtocol {
    /// The beginning, of at most `count` bytes of UTF-8. Characters would not do: one may have any number of bytes, and it
    /// takes long to find its end. A scalar is not cut.
    package func cut(to count: Int) -> String {
        if utf8.count <= count { return String(self) }
        var count = count
        while count > 0, utf8[utf8.index(startIndex, offsetBy: count)] & 0xC0 == 0x80 { count -= 1 }
        return String(decoding: utf8.prefix(count), as: UTF8.self)
    }
}
