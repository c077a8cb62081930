/// A request in Ollama's form that OpenAI's API has no words for.
struct Untranslatable: Error, Equatable {
    /// For the client: what to leave out.
    let sentence: String

    init(_ sentence: String) { self.sentence = sentence }

    /// - Parameter name: a member of the request that OpenAI's API has no counterpart for.
    static func noCounterpart(_ name: String) -> Untranslatable {
        Untranslatable("Leave out \"\(name)\": the server of this model has OpenAI's API, which has nothing like it.")
    }
}
