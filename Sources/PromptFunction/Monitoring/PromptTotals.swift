/// Counts of what has happened since the start. Belongs to the loop's thread.
final class PromptTotals {
    var prompts = 0
    var answered = 0
    var failed = 0
    var cancelled = 0
    var retries = 0
    var fallbacks = 0
    /// Parts of streamed answers: usually one for each token.
    var parts = 0
    /// Tokens of answers that were not streamed, or did not come one by one.
    var otherTokens = 0

    /// The tokens that were written, as far as is known.
    var outputTokens: Int { parts + otherTokens }
}
