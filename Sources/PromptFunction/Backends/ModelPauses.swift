internal import EventLoop

/// Remembers for which models a host has lately failed prompts that other hosts may answer.
///
/// During a pause, other hosts that have the model are asked instead; if there is none, the host is asked all the same.
/// After a pause one prompt tries the host, and another pause of the same length begins: until it is over, or the prompt
/// is being answered, others keep away. A host that fails fast has little in flight, and would otherwise get the most
/// prompts.
///
/// Belongs to one thread. Holds at most `capacity` models; of further ones nothing is remembered.
struct ModelPauses {
    private struct Pause {
        /// Failures in a row.
        var failures = 0
        var began: LoopInstant
        var end: LoopInstant
        var length = ModelPauses.shortest
        /// When the prompt was sent that tries the host.
        var trial: LoopInstant?
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
        return now < pause.end
    }

    /// Records that a prompt is sent.
    mutating func sent(_ model: ModelName, at now: LoopInstant) {
        guard !pauses.isEmpty, let pause = pauses[model], now >= pause.end else { return }
        pauses[model]?.trial = now
        pauses[model]?.end = now + pause.length
    }

    /// Records that a prompt was answered, begins to be answered, or ended in a way that only its client is to blame for.
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
        guard !pauses.isEmpty, let trial = pauses[model]?.trial, began >= trial else { return }
        pauses[model]?.trial = nil
        pauses[model]?.end = began
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
        pause.length = growing
        pause.trial = nil
        pauses[model] = pause
        return pause.failures == 1
    }
}
