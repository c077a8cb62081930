import PromptFunction
import Testing

@Suite struct `Duration text` {
    @Test(arguments: [
        ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0), ("1.5s", 1_500),
        ("0.0001s", 1), ("9ms", 9), ("4007ms", 4_007), ("16.1s", 16_100), ("32.3s", 32_300), ("0.1ms", 1),
        ("1e1s", 10_000),
    ])
    func `is a number and a unit, rounded up to a millisecond`(text: String, milliseconds: Int) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test func `keeps whole milliseconds, and tenths of a second, as they are`() {
        for number in 0...20_000 {
            #expect(DurationText.parse("\(number)ms") == .milliseconds(number))
            #expect(DurationText.parse("\(number / 10).\(number % 10)s") == .milliseconds(number * 100))
        }
    }

    @Test(arguments: ["", "5", "s", "-1s", "1d", "nan s", "nans", "infs", "1 s", "100000001s", "1e300h"])
    func `is nothing else`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }
}
