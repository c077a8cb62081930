internal import APIs
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
    /// - Returns: the tokens, as far as the answer says it.
    /// - Throws: why there is no answer, or no more of it. If nothing was passed on, another host may be asked.
    func ask(_ client: any EngineClient, _ prompt: Prompt, options: RequestOptions?) async throws(OllamaError)
        -> TokenUsage

    /// Calls `body` with the record of each client that gets the answer. There are records only if somebody reads them.
    func forEachRecord(_ body: (PromptRecord) -> Void)

    /// The prompt is sent to a backend. Called only if there are records.
    func noteAsking(_ backend: EngineBackend)

    /// Whose prompt it is; `nil` if it is no tenant's.
    var tenant: Tenant? { get }

    /// The prompt that is answered.
    var prompt: Prompt? { get set }
    /// The name of the model that is asked, for a field of the reply; `nil`: there is no such field.
    var modelField: String? { get set }

    /// Accounts for `count` bytes: those of the request to the host, which is kept until the reply is complete.
    func hold(_ count: Int) throws(PromptFailure)

    /// Tells the client that there is no answer, or no more of it.
    func fail(_ failure: PromptFailure)
}

extension ClientReply {
    /// The record of the client that gets the answer, or of the first one. `nil` if nobody reads it.
    var firstRecord: PromptRecord? {
        var first: PromptRecord?
        forEachRecord { first = first ?? $0 }
        return first
    }

    /// The translation of a prompt for a server with another API. It takes as much memory as the prompt until the answer
    /// has come.
    @inline(never)
    func translation(
        of prompt: Prompt, to endpoint: Endpoint, for client: any EngineClient
    ) async throws(OllamaError) -> Payload {
        let count = prompt.payload.count
        try reserve(count + Self.mostTranslated * count)
        let payload = try await client.translation(of: prompt.payload, to: endpoint)
        try reserve(count + payload.count)
        return payload
    }

    /// How many times a prompt's bytes its translation may take while it is made.
    private static var mostTranslated: Int { 3 }

    private func reserve(_ count: Int) throws(OllamaError) {
        do throws(PromptFailure) {
            try hold(count)
        } catch {
            throw .transport(.noRoom)
        }
    }
}
