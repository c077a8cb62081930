extension StringProtocol {
    /// The beginning, of at most `count` bytes of UTF-8. Characters would not do: one may have any number of bytes, and it
    /// takes long to find its end.
    package func cut(to count: Int) -> String {
        utf8.count <= count ? String(self) : String(decoding: utf8.prefix(count), as: UTF8.self)
    }
}
