import Testing

@testable import PromptFunction

@Suite struct `ASCII text` {
    @Test(arguments: [0, 9, 10, 99, 100, 12_345, 999_999_999, 1_000_000_000, Int.max - 1, Int.max])
    func `has numbers as they are written`(number: Int) {
        var text = ASCIIText()
        text.put(number)
        text.put("|")
        text.put(hexadecimal: UInt64(number))
        let digits = String(number, radix: 16)
        #expect(text.string == "\(number)|" + String(repeating: "0", count: 16 - digits.count) + digits)
    }

    @Test func `has every hexadecimal digit at every place`() {
        for digit in 0..<16 as Range<UInt64> {
            for place in 0..<16 as Range<UInt64> {
                var text = ASCIIText()
                text.put(hexadecimal: digit << (4 * place))
                let expected = (0..<16).map { 15 - $0 == Int(place) ? String(digit, radix: 16) : "0" }.joined()
                #expect(text.string == expected)
            }
        }
    }

    @Test func `has its parts in their order, and none of what is behind them`() {
        var text = ASCIIText()
        #expect(text.string.isEmpty && text.bytes.isEmpty)
        text.put("a: ")
        text.put(bytes: Array("bc".utf8))
        text.put(bytes: [])
        text.put("\r\n")
        #expect(text.string == "a: bc\r\n" && text.bytes == Array("a: bc\r\n".utf8))
    }
}
