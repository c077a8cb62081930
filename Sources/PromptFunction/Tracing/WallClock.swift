internal import EventLoop
internal import Glibc

/// Converts instants of the loop to the time of day.
struct WallClock {
    /// Nanoseconds from the loop's zero to 1970, negated.
    private let offset: Int64

    init(at now: LoopInstant) {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        offset = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - now.nanoseconds
    }

    /// Nanoseconds since 1970.
    func nanoseconds(_ instant: LoopInstant) -> Int64 { instant.nanoseconds + offset }
}
