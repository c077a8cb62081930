/// Paths of the APIs that promptd does not serve. A client that uses one must not get the answer to a prompt.
///
/// Source: OpenAI's and Anthropic's API references; Ollama's server/routes.go; vLLM's "OpenAI-Compatible Server".
enum UnservedPaths {
    /// The first parts of the paths: all that is below them is meant too.
    private static let openAI = [
        "moderations", "images", "audio", "files", "uploads", "batches", "fine_tuning", "assistants", "threads",
        "vector_stores", "conversations", "evals", "containers", "realtime", "videos", "organization", "rerank",
        "score",
    ]
    private static let anthropic = ["complete", "skills"]
    /// Parts of which only what is below them is a path.
    private static let openAIFolders = ["chat", "responses"]
    private static let anthropicFolders = ["messages"]
    private static let ollama = [
        "me", "signin", "signout", "user", "status", "experimental", "web_search", "web_fetch",
    ]

    /// The API to which the path belongs; `nil` if to none. Called only for paths that are not served.
    static func api(of path: String) -> API? {
        let parts = path.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true)
        guard parts.count >= 2, path.utf8.first == UInt8(ascii: "/") else { return nil }
        let name = String(parts[1])
        switch parts[0] {
        case "v1":
            let isBelow = parts.count > 2
            if openAI.contains(name) || (isBelow && openAIFolders.contains(name)) { return .openai }
            return anthropic.contains(name) || (isBelow && anthropicFolders.contains(name)) ? .anthropic : nil
        case "api": return ollama.contains(name) ? .ollama : nil
        default: return nil
        }
    }
}
