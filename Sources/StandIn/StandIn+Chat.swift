import EventLoop
import HTTPServer

extension StandIn {
    /// The size above which a complete reply is chunked, as Go's net/http does.
    private static let contentLengthLimit = 2048

    /// Answers a request that asks a model.
    func answer(_ body: ChatBody, at path: String, _ reply: consuming Reply) async {
        let model = body.model!
        let wire = format(for: path, body)
        let isStream = body.stream ?? (path == "/api/chat" || path == "/api/generate")
        if let fault = Fault(model: model) {
            await play(fault, model, wire, isStream, reply)
            return
        }
        guard knows(model) else {
            reply.send(Self.missing(model, wire))
            return
        }
        guard await runner.load(model) else {
            reply.send(Self.busy(wire))
            return
        }
        let isLoadOnly =
            path == "/api/chat" ? body.messages?.isEmpty ?? true : path == "/api/generate" && body.prompt == nil
        if isLoadOnly, let wire = wire as? WireFormat {
            reply.send(Response(.ok, .json, body: wire.loadOnly()))  // one object, even if a stream was requested
            return
        }
        let answer = Answer(to: body, tokens: settings.tokens)
        var pending: Reply? = consume reply
        await runner.inTurn {
            let reply = pending.take()!
            if isStream {
                await stream(answer, wire, reply)
            } else {
                await whole(answer, wire, reply)
            }
        }
        // A client that left before its request could run gets no reply; there is no reader.
        if let reply = pending.take() { reply.send(Self.busy(wire)) }
    }

    private func whole(_ answer: Answer, _ wire: any AnswerFormat, _ reply: consuming Reply) async {
        let started = ContinuousClock.now
        await loop.sleep(for: settings.firstToken + settings.tokenInterval * max(answer.tokens.count - 1, 0))
        let body = wire.whole(answer, started: started)
        if body.count <= Self.contentLengthLimit {
            reply.send(Response(.ok, wire.wholeType, body: body))
        } else {
            let stream = reply.start(.ok, wire.wholeType)
            await stream.send(body)
            stream.end()
        }
    }

    private func stream(_ answer: Answer, _ wire: any AnswerFormat, _ reply: consuming Reply) async {
        let started = ContinuousClock.now
        await loop.sleep(for: settings.firstToken)  // no status line before the first token
        let body = reply.start(.ok, wire.streamType)
        let start = wire.opening()
        let before = answer.thinking.map(wire.thinking) + (answer.tool.map { [wire.call($0)] } ?? [])
        for index in 0..<(before.count + answer.tokens.count) {
            if index > 0 { await loop.sleep(for: settings.tokenInterval) }
            if Task.isCancelled { return }
            let piece = index < before.count ? before[index] : wire.token(answer.tokens[index - before.count])
            await body.send(index == 0 ? start + piece : piece)
        }
        await body.send(wire.end(answer, started: started))
        body.end()
    }

    /// How the answers at a path are written.
    private func format(for path: String, _ body: ChatBody) -> any AnswerFormat {
        let (model, number) = (body.model ?? "", seen.requests)
        switch path {
        case "/v1/chat/completions", "/v1/completions":
            return CompletionsFormat(
                isChat: path == "/v1/chat/completions", model: model, number: number, created: clock.seconds,
                sendsUsage: body.streamOptions?.includeUsage ?? false)
        case "/v1/responses": return ResponsesFormat(model: model, number: number, created: clock.seconds)
        case "/v1/messages": return MessagesFormat(model: model, number: number)
        default: return WireFormat(shape: path == "/api/generate" ? .generate : .chat, model: model, clock: clock)
        }
    }

    /// Answers a request for embeddings. Source: Ollama's docs/api, "Generate Embeddings"; captures e.
    func embed(_ body: ChatBody, at path: String) -> Response {
        let model = WireFormat.quoted(body.model!)
        guard knows(body.model!) else {
            let words = "model \"\(body.model!)\" not found, try pulling it first"
            let isOllamas = path != "/v1/embeddings"
            return Response(
                .notFound, isOllamas ? .json : ContentType("application/json"),
                body: isOllamas ? WireFormat.error(words) : CompletionsFormat.error(.notFound, words))
        }
        let texts = body.input?.texts ?? [body.prompt ?? ""]
        let vectors = texts.map { Embedding(of: $0, dimensions: body.dimensions ?? 8).json }
        switch path {
        case "/api/embeddings": return json("{\"embedding\":\(vectors[0])}")
        case "/api/embed":
            return json(
                "{\"model\":\(model),\"embeddings\":[\(vectors.joined(separator: ","))],\"total_duration\":1,\"load_duration\":1,\"prompt_eval_count\":\(texts.count)}"
            )
        default:
            let data = vectors.enumerated().map {
                "{\"object\":\"embedding\",\"embedding\":\($0.element),\"index\":\($0.offset)}"
            }
            let usage = "{\"prompt_tokens\":\(texts.count),\"total_tokens\":\(texts.count)}"
            let list =
                "{\"object\":\"list\",\"data\":[\(data.joined(separator: ","))],\"model\":\(model),\"usage\":\(usage)}\n"
            return Response(.ok, ContentType("application/json"), body: Array(list.utf8))
        }
    }
}
