/// Decides how much memory an answer may take before it is passed on. Belongs to the loop's thread.
package protocol AnswerMemory: AnyObject {
    /// Returns whether the answer may take `count` bytes from now on, in place of what it took before. Less is always
    /// possible.
    func mayHold(_ count: Int) -> Bool
}
