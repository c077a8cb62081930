/// Names in a path. Source: RFC 3986, 2.1.
package enum PercentCoding {
    /// The text for which `path` stands. What is not encoded properly stays as it is.
    package static func decode(_ path: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(path.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                rest.count >= 2, rest.first != UInt8(ascii: "+")
            {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A path that stands for `text`. Slashes stay.
    static func encode(path text: String) -> String {
        var path = ""
        for byte in text.utf8 {
            let isPlain =
                (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
                || "-._~/:@!$&'()*+,;=".utf8.contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            path += isPlain ? String(decoding: [byte], as: UTF8.self) : "%" + (byte < 16 ? "0" : "") + digits
        }
        return path
    }
}
