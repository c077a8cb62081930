import APIs
import HTTPClient
import JSON
import Ollama

@testable import OpenAI

/// Reads the bytes as a request of Ollama's API that is translated for a server with OpenAI's, and as that server's
/// stream. The first byte decides which request, and how the stream is cut.
enum TranslationCheck {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        let endpoints: [Endpoint] = [.chat, .generate, .embed, .embeddings]
        try checkRequest(rest, to: endpoints[Int(first) % endpoints.count])
        try checkStream(rest[...], first % 2 == 0 ? .chat : .generate, seed: UInt32(first) + 2)
        checkWhole(rest)
    }

    // MARK: Requests

    private static let listed = ["m", "Org/B"]

    private static func checkRequest(_ body: [UInt8], to endpoint: Endpoint) throws(Finding) {
        // Only what is a request gets here.
        guard let request = try? PostedRequest(body, to: endpoint) else { return }
        let result: RequestTranslation.Result
        do throws(Untranslatable) {
            result = try RequestTranslation.translate(body, from: endpoint, listed: listed)
        } catch {
            return try require(!error.sentence.isEmpty && error.sentence.hasSuffix("."), "no sentence")
        }
        guard case .request(let json) = result else { return }
        try require(json.count <= 3 * body.count + 70_000, "\(json.count) bytes of \(body.count)")
        guard case .object(let members)? = ReferenceJSON.parse(json) else {
            throw Finding("the translation is no object: \(String(decoding: json, as: UTF8.self))")
        }
        let names = members.map { String(decoding: $0.name, as: UTF16.self) }
        try require(Set(names).count == names.count, "a name stands twice: \(names)")
        guard case .string(let model)? = members.last("model") else { throw Finding("no model") }
        let (sent, asked) = (String(decoding: model, as: UTF16.self), request.model.string)
        let folded = asked.lowercased()
        let plain = folded.hasSuffix(":latest") ? String(folded.dropLast(7)) : folded
        try require(sent == asked || (listed.contains(sent) && sent.lowercased() == plain), "another model")
        for name in ["n", "n_predict", "best_of", "max_completion_tokens"] {
            try require(members.last(name) == nil, "\(name) goes through")
        }
        if !endpoint.isEmbedding { try checkMessages(members) }
    }

    private static func checkMessages(_ members: [ReferenceJSON.Member]) throws(Finding) {
        guard case .array(let messages)? = members.last("messages"), !messages.isEmpty else {
            throw Finding("no messages")
        }
        for message in messages {
            guard case .object(let members) = message, case .string? = members.last("role") else {
                throw Finding("a message without a role")
            }
            let names = members.map { String(decoding: $0.name, as: UTF16.self) }
            try require(Set(names).count == names.count, "a name stands twice in a message: \(names)")
            switch members.last("content") {
            case .string, .array: break
            case .null: try require(members.last("tool_calls") != nil, "nothing in a message")
            default: throw Finding("content of another type")
            }
        }
    }

    // MARK: Answers

    private static func checkStream(
        _ bytes: ArraySlice<UInt8>, _ shape: ObjectShape, seed: UInt32
    ) throws(Finding) {
        let whole = read([bytes], shape)
        for seed in [1, seed] {
            var splitter = Splitter(seed: seed)
            let cut = read(splitter.pieces(of: bytes), shape)
            let (one, other) = (cut.error ?? "complete", whole.error ?? "complete")
            try require(one == other, "cut by \(seed): \(one), not \(other)")
            try require(cut.answer.text == whole.answer.text, "cut by \(seed): another text")
            try require(cut.answer.parts == whole.answer.parts, "cut by \(seed): other parts")
        }
        try require(whole.error != nil || whole.answer.parts.last?.isDone ?? false, "complete without an end")
        try require(whole.answer.parts.dropLast().allSatisfy { !$0.isDone }, "something behind the end")
        for object in whole.answer.objects {
            for line in object.split(separator: 0x0A) {
                guard case .object? = ReferenceJSON.parse(line) else {
                    throw Finding("no object: \(String(decoding: line, as: UTF8.self))")
                }
            }
        }
    }

    private static func read(
        _ pieces: [ArraySlice<UInt8>], _ shape: ObjectShape
    ) -> (answer: RecordedAnswer, error: String?) {
        let answer = RecordedAnswer()
        let reader = ChatReader(answer, translator: StreamTranslation(shape))
        for piece in pieces {
            unsafe piece.withCopy { reader.receive(unsafe Span(_unsafeBytes: $0)) }
            if case .stop = reader.endRead() { break }
        }
        do throws(OllamaError) {
            try reader.end()
            return (answer, nil)
        } catch {
            return (answer, "\(error)")
        }
    }

    /// Whatever it is, it must not crash.
    private static func checkWhole(_ json: [UInt8]) {
        _ = try? WholeTranslation.translate(json.span, .chat, began: .now)
        _ = EmbeddingTranslation.translate(json.span, isOld: false, began: .now)
        _ = OpenAIModels(json)
    }
}
