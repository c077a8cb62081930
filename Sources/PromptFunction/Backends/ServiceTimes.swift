internal import EventLoop

/// How long one host takes for one model, as observed: to load it, and to answer a prompt once it is loaded.
///
/// Each observation counts for a tenth, so that an unusual one changes little. Belongs to one thread.
struct ServiceTimes {
    /// Nanoseconds from one answer to the next while prompts wait; `nil` while unknown.
    private(set) var answer: Double?
    /// Nanoseconds to load the model; `nil` while unknown.
    private(set) var load: Double?
    /// When the prompt was sent that has the model loaded.
    private var loadBegan: LoopInstant?
    private var lastAnswer: LoopInstant?

    private static let weight = 0.1

    /// The nanoseconds for which a load has lasted; `nil` when there is none.
    func loading(at now: LoopInstant) -> Double? { loadBegan.map { Double(now.nanoseconds(since: $0)) } }

    /// Records that a prompt is sent for which the host has to load the model.
    mutating func loadBegan(at now: LoopInstant) { loadBegan = now }

    /// Records that no prompt is left that waits for a load.
    mutating func loadEnded() { loadBegan = nil }

    /// Records that a prompt was answered.
    ///
    /// - Parameter began: when it was sent.
    mutating func answered(began: LoopInstant, at now: LoopInstant) {
        defer { lastAnswer = now }
        if let start = loadBegan {
            loadBegan = nil
            note(max(Double(now.nanoseconds(since: start)) - (answer ?? 0), 0), \.load)
        } else {
            // A host that answers several prompts at once takes less for each.
            note(Double(now.nanoseconds(since: max(began, lastAnswer ?? began))), \.answer)
        }
    }

    private mutating func note(_ value: Double, _ path: WritableKeyPath<Self, Double?>) {
        self[keyPath: path] = self[keyPath: path].map { $0 + (value - $0) * Self.weight } ?? value
    }
}
