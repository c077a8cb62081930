@testable import PromptFunction

extension FairQueue {
    /// Removes and returns the prompt whose turn it is.
    func dequeue() -> Value? { take { _ in () }?.value }
}
