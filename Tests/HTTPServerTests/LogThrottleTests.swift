import EventLoop
import Logging
import Testing

@testable import HTTPServer

/// How many lines of a kind the log gets.
struct `The log throttle` {
    @Test func `one line a second passes, and tells how many did not`() {
        var throttle = LogThrottle()
        func withheld(at milliseconds: Int64) -> String? {
            var metadata: Logger.Metadata = [:]
            guard throttle.allows(at: LoopInstant(nanoseconds: milliseconds * 1_000_000), &metadata) else { return nil }
            return metadata["withheld"].map { "\($0)" } ?? "none"
        }
        #expect(withheld(at: 5000) == "none")
        #expect(withheld(at: 5001) == nil)
        #expect(withheld(at: 5999) == nil)
        #expect(withheld(at: 6000) == "2")
        #expect(withheld(at: 6999) == nil)
        #expect(withheld(at: 9000) == "1")
        #expect(withheld(at: 10_000) == "none")
    }
}
