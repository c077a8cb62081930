@testable import PromptFunction
import Testing

/// Which models may be asked.
@Suite struct `Model policy` {
    static let verdicts: [(String, ModelPolicy.Verdict)] = [
        ("llama3.2:1b", .asIs), ("LLAMA3.2:1B", .asIs),
        ("registry.ollama.ai/library/llama3.2:1b", .asIs), ("mistral:latest", .asIs),
        ("llama3.2", .refused), ("qwen", .refused), ("", .refused), ("fast", .instead("llama3.2:1b")),
        ("Fast:latest", .instead("llama3.2:1b")), ("gpt-4", .instead("Mistral")),
    ]

    @Test(arguments: verdicts)
    func `a list allows its models and the aliases of them`(model: String, verdict: ModelPolicy.Verdict) throws {
        let policy = try ModelPolicy(allowed: "llama3.2:1b, Mistral", aliases: "fast=llama3.2:1b , gpt-4 = Mistral")
        #expect(policy.verdict(on: ModelName(model)) == verdict)
        #expect(!policy.isEmpty)
    }

    @Test func `without a list any model may be asked`() throws {
        #expect(try ModelPolicy().isEmpty)
        #expect(try ModelPolicy(aliases: "a=b").verdict(on: ModelName("c")) == .asIs)
        #expect(try ModelPolicy(aliases: "a=b").verdict(on: ModelName("a")) == .instead("b"))
    }

    static let wrong: [(String, String, ProtectionError)] = [
        ("", "fast", .alias("fast")), ("", "=x", .alias("=x")), ("", "fast=", .alias("fast=")),
        ("", "a b=c", .model("a b")),
        ("", "a=b c", .model("b c")), ("a b", "", .model("a b")), ("", "a=b,A:latest=c", .aliasTwice("a")),
        ("", "a=b,b=c", .aliasOfAlias("a")), ("", "a=a", .aliasOfAlias("a")), ("x", "a=b", .aliasNotAllowed("a")),
    ]

    @Test(arguments: wrong)
    func `what is wrong is told in one sentence`(allowed: String, aliases: String, error: ProtectionError) {
        #expect(throws: error) { try ModelPolicy(allowed: allowed, aliases: aliases) }
        #expect("\(error)".hasSuffix(".") && !"\(error)".contains("\n"))
    }
}
