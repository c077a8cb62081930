@testable import PromptFunction
import Testing

/// Names compare as in Ollama.
@Suite struct `Model name` {
    static let equal: [(String, String)] = [
        ("llama3.2", "llama3.2:latest"), ("Llama3.2", "llama3.2"), ("llama3.2:1B", "LLAMA3.2:1b"),
        ("library/llama3.2", "llama3.2"), ("registry.ollama.ai/library/llama3.2:latest", "llama3.2"),
        ("Registry.Ollama.AI/Library/llama3.2", "llama3.2"),
        ("https://registry.ollama.ai/library/llama3.2:1b", "llama3.2:1b"),
        ("registry.ollama.ai/someone/x", "someone/x:latest"), ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
        ("hf.co/Org/Repo-GGUF:Q4_K_M", "hf.co/org/repo-gguf:q4_k_m"), ("", ""),
    ]
    static let different: [(String, String)] = [
        ("llama3.2", "llama3.2:1b"), ("someone/llama3.2", "llama3.2"), ("example.com/library/llama3.2", "llama3.2"),
        ("localhost:5000/a/b", "localhost/a/b"), ("library/", "library"), ("é", "É"), ("registry.ollama.ai/", ""),
    ]

    @Test(arguments: equal)
    func `these are one model`(left: String, right: String) { #expect(ModelName(left) == ModelName(right)) }

    @Test(arguments: different)
    func `these are two`(left: String, right: String) { #expect(ModelName(left) != ModelName(right)) }

    @Test func `it is told as people write it`() {
        #expect(ModelName("registry.ollama.ai/library/Llama3.2").short == "llama3.2")
        #expect(ModelName("llama3.2:1b").short == "llama3.2:1b")
    }
}
