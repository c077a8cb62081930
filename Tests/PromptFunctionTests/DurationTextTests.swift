import PromptFunction
import Testing

@Suite struct `Duration text` {
    @Test(arguments: [
        ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0), ("1.5s", 1_500),
        ("0.0001s", 1), ("0.1ms", 1), ("1e1s", 10_000),
    ])
    func `is a number and a unit, rounded up to a millisecond`(text: String, milliseconds: Int) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "5", "s", "-1s", "1d", "nan s", "nans", "infs", "1 s", "100000001s", "1e300h"])
    func `is nothing else`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }
}
