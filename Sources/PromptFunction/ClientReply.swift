internal import HTTPClient
internal import Ollama

/// The reply to one client, in whatever form it gets its answer. Belongs to the loop's thread.
protocol ClientReply: AnyObject {
    /// Returns how many prompts are ahead of this one; set while it is queued.
    var positionInQueue: (() -> Int)? { get set }
    /// Whether a part of an answer has arrived.
    var hasBegun: Bool { get }

    /// Called when the first part of an answer arrives.
    var onBegin: (() -> Void)? { get set }

    /// Asks a host, and passes its answer on to the client.
    ///
    /// - Returns: the tokens of the answer, if it says how many.
    /// - Throws: why there is no answer, or no more of it. If nothing was passed on, another host may be asked.
    func ask(_ client: OllamaClient, _ prompt: Prompt, deadlines: Deadlines?) async throws(OllamaError) -> Int?

    /// The prompt that is answered.
    var prompt: Prompt? { get set }
    /// The name of the model that is asked, for a field of the reply; `nil`: there is no such field.
    var modelField: String? { get set }

    /// Accounts for the request to the host, which is kept until the reply is complete.
    func hold(_ payload: Payload) throws(PromptFailure)

    /// Tells the client that there is no answer, or no more of it.
    func fail(_ failure: PromptFailure)
}
