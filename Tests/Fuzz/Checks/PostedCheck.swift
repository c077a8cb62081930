import APIs
import JSON

/// Reads the bytes as a request of another API, and as a stream of such an API. The first byte decides which, and how the
/// stream is cut.
enum PostedCheck {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        let endpoints = Endpoint.allCases
        try checkRequest(rest, to: endpoints[Int(first) % endpoints.count])
        for format in [StreamScanner.Format.objects, .events, .whole] {
            try checkStream(rest[...], format, seed: UInt32(first) + 2)
        }
    }

    // MARK: Requests

    private static let limit = 100

    private static func checkRequest(_ body: [UInt8], to endpoint: Endpoint) throws(Finding) {
        let json = ReferenceJSON.parse(body)
        let request: PostedRequest
        do throws(PostedRequest.Mistake) {
            request = try PostedRequest(body, to: endpoint)
        } catch {
            if case .malformed = error { return }
            guard case .object? = json else { throw Finding("what is no object is not malformed: \(error)") }
            return
        }
        guard case .object(let members)? = json else { throw Finding("what is no object is a request") }
        let model = Array(request.model.string.utf16)
        try require(members.last("model") == .string(model), "another model than the last")
        let names = members.map { FoldedName.fold(String(decoding: $0.name, as: UTF16.self)) }
        try require(names.count { $0 == "model" } == 1, "a second model, which another reader may take")
        try require((0...body.count).contains(EmbeddedFiles.excess(in: body[...])), "more files than bytes")
        try require((try? request.body(model: nil, maxTokens: nil)) == body, "the body is not passed on as it is")
        guard let limited = try? request.body(model: JSONText("other \"one\""), maxTokens: limit) else { return }
        guard case .object(let changed)? = ReferenceJSON.parse(limited) else {
            throw Finding("the request with limits is no object: \(String(decoding: limited, as: UTF8.self))")
        }
        try require(changed.last("model") == .string(Array("other \"one\"".utf16)), "not the other model")
        try checkLimit(changed, endpoint)
    }

    private static func checkLimit(_ members: [ReferenceJSON.Member], _ endpoint: Endpoint) throws(Finding) {
        var holder = members
        switch endpoint {
        case .chat, .generate:
            guard case .object(let options)? = members.last("options") else {
                // A host refuses options of another type.
                return try require(members.last("options") != nil && members.last("options") != .null, "no options")
            }
            holder = options
        case .embed, .embeddings, .openAIEmbeddings, .countTokens: return
        default: break
        }
        let names =
            switch endpoint {
            case .chat, .generate: ["num_predict"]
            case .chatCompletions: ["max_tokens", "max_completion_tokens", "n_predict", "max_new_tokens"]
            case .responses: ["max_output_tokens"]
            default: ["max_tokens"]
            }
        let values = holder.filter { names.contains(String(decoding: $0.name, as: UTF16.self)) }.map(\.value)
        try require(!values.isEmpty, "no limit of tokens")
        for value in values {
            guard case .number(let text) = value, let number = Double(text) else {
                throw Finding("a limit that is no number")
            }
            try require(number >= 0 && number <= Double(limit), "a limit of \(number) tokens")
        }
    }

    // MARK: Streams

    private static func checkStream(
        _ bytes: ArraySlice<UInt8>, _ format: StreamScanner.Format, seed: UInt32
    ) throws(Finding) {
        let whole = scan([bytes], format)
        for seed in [1, seed] {
            var splitter = Splitter(seed: seed)
            let cut = scan(splitter.pieces(of: bytes), format)
            try require(cut.isComplete == whole.isComplete, "cut by \(seed): complete or not")
            try require(cut.endsWithError == whole.endsWithError, "cut by \(seed): an error or not")
            try require(cut.usage == whole.usage, "cut by \(seed): other tokens")
        }
    }

    private static func scan(_ pieces: [ArraySlice<UInt8>], _ format: StreamScanner.Format) -> StreamScanner {
        var scanner = StreamScanner(format)
        for piece in pieces where !piece.isEmpty {
            unsafe piece.withCopy { _ = scanner.read(unsafe Span(_unsafeBytes: $0)) }
        }
        scanner.end()
        return scanner
    }
}
