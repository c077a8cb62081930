package import HTTPClient

/// Receives a response that is passed on as it is. Belongs to the loop's thread; its methods are called inside a read's
/// callback.
package protocol ForwardReceiver: AnswerMemory {
    /// An answer has begun. `flow` resumes it after a pause; `nil`: it does not pause.
    func begin(_ head: ForwardedHead, _ flow: BodyFlow?)

    /// Receives the next bytes of the answer. Never empty.
    ///
    /// - Parameter parts: how many objects or events end in them, of which a model sends one for each token, usually.
    func receive(_ bytes: Span<UInt8>, parts: Int)

    /// Called after all bytes of one read were given, so that the receiver can send them.
    ///
    /// - Returns: whether the receiver can take more now. If not, the answer pauses until `BodyFlow.resume` is called.
    func endRead() -> Bool

    /// The answer is complete. It may end with an error that the host reports.
    func end()

    /// There is no answer: this is the host's whole response, which says why. Another host may be asked.
    ///
    /// - Parameter isWhole: whether all of the body has come.
    func refuse(_ head: ForwardedHead, _ body: [UInt8], isWhole: Bool)
}
