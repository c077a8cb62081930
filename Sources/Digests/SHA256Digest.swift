/// The SHA-256 of some bytes. Source: FIPS 180-4; SHA256(3ssl).
package struct SHA256Digest: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    init(_ words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// The digest of a text's UTF-8. Usable on any thread.
    package init(of text: some StringProtocol) { self = SHA256Hasher().digest(of: Array(text.utf8)[...]) }

    /// - Parameter text: 64 hexadecimal digits.
    package init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8.map { UInt8(ascii: "0") <= $0 && $0 <= UInt8(ascii: "9") ? $0 & 15 : ($0 | 32) &- 87 }
        let areDigits = text.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        guard digits.count == 64, areDigits else { return nil }
        self.init(bytes: (0..<32).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] })
    }

    private init(bytes: [UInt8]) {
        func word(_ index: Int) -> UInt64 { bytes[(8 * index)..<(8 * index + 8)].reduce(0) { $0 << 8 | UInt64($1) } }
        words = (word(0), word(1), word(2), word(3))
    }

    /// As 64 hexadecimal digits.
    package var hexadecimal: String {
        [words.0, words.1, words.2, words.3].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    package static func == (left: Self, right: Self) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
