import EventLoop
import Glibc

extension LoopInstant {
    /// The current time by the monotonic clock. `EventLoop.now` is the time at which the turn began, and a turn with
    /// thousands of answers takes long.
    static var current: Self {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Self(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
