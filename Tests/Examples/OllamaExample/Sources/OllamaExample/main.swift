import EventLoop
import Ollama

// Asks the Ollama at the address that is given, once for the whole answer and once token by token.
let host = try OllamaHost(parsing: CommandLine.arguments.dropFirst().first)
let loop = try EventLoop()
let isSame = loop.run { loop in
    let ollama = OllamaClient(host, work: WorkQueue(on: loop), on: loop)
    defer { ollama.close() }
    let question = ChatRequest(model: "llama3.2:1b", prompt: "Why is the sky blue?")
    do {
        let whole = try await ollama.answer(to: question)
        print(whole)
        var streamed = ""
        try await ollama.stream(question) { token in
            print(token, terminator: "|")
            streamed += token
        }
        print()
        return whole == streamed
    } catch {
        print("no answer: \(error)")
        return false
    }
}
precondition(isSame)
