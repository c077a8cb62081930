internal import EventLoop

/// Remembers for which models a host has lately failed prompts that other hosts may answer.
///
/// During a pause, other hosts that have the model are asked instead; if there is none, the host is asked all the same.
/// After a pause one prompt tries the host: until it has been answered, the pause goes on. A host that fails fast has
/// little in flight, and would otherwise get the most prompts.
///
/// Belongs to one thread. Holds at most `capacity` models; of further ones nothing is remembered.
struct ModelPauses {
    private struct Pause {
        /// Failures in a row.
        var failures = 0
        var began: LoopInstant
        var end: LoopInstant
        /// Whether a prompt that was sent after the pause has not ended.
        var isTried = false
    }

    /// The first pause. It doubles with each further failure, up to `longest`.
    static let shortest = Duration.seconds(1)
    static let longest = Duration.seconds(32)
    /// The longest pause that a host can ask for.
    static let longestRetryAfter = Duration.seconds(600)
    static let capacity = 256

    private var pauses: [ModelName: Pause] = [:]

    /// Whether other hosts should be asked for the model.
    func isPaused(_ model: ModelName, at now: LoopInstant) -> Bool {
        guard !pauses.isEmpty, let pause = pauses[model] else { return false }
        return pause.isTried || now < pause.end
    }

    /// Records that a prompt is sent.
    mutating func sent(_ model: ModelName, at now: LoopInstant) {
        guard !pauses.isEmpty, let pause = pauses[model], now >= pause.end else { return }
        pauses[model]?.isTried = true
    }

    /// Records that a prompt was answered, or ended in a way that only its client is to blame for.
    ///
    /// - Returns: whether the model's pauses end with this.
    mutating func answered(_ model: ModelName) -> Bool {
        guard !pauses.isEmpty else { return false }
        return pauses.removeValue(forKey: model) != nil
    }

    /// Records that a prompt ended in a way that says nothing about the host.
    ///
    /// - Parameter began: when it was sent.
    mutating func inconclusive(_ model: ModelName, began: LoopInstant) {
        guard !pauses.isEmpty, let pause = pauses[model], began >= pause.end else { return }
        pauses[model]?.isTried = false
    }

    /// Records that a prompt failed, and begins a pause.
    ///
    /// - Parameters:
    ///   - began: when it was sent. If that was before the last pause began, it says nothing new.
    ///   - retryAfter: the seconds for which the host asks not to be asked.
    /// - Returns: whether this is the first pause of the model since a prompt was answered.
    mutating func failed(_ model: ModelName, began: LoopInstant, retryAfter: Int?, at now: LoopInstant) -> Bool {
        guard var pause = pauses[model] ?? (pauses.count < Self.capacity ? Pause(began: began, end: now) : nil),
            began >= pause.began
        else { return false }
        let growing = min(Self.shortest * (1 << min(pause.failures, 5)), Self.longest)
        let wanted = min(Duration.seconds(retryAfter ?? 0), Self.longestRetryAfter)
        pause.failures += 1
        pause.began = now
        pause.end = now + max(growing, wanted)
        pause.isTried = false
        pauses[model] = pause
        return pause.failures == 1
    }
}
