import EventLoop
import HTTPServer

extension StandIn {
    /// The size above which a complete reply is chunked, as Go's net/http does.
    private static let contentLengthLimit = 2048

    /// Answers a chat request or a generate request.
    func answer(_ body: ChatBody, _ shape: WireFormat.Shape, _ reply: consuming Reply) async {
        let model = body.model!
        if let fault = Fault(model: model) {
            await play(fault, body, shape, reply)
            return
        }
        guard knows(model) else {
            reply.send(Self.missing(model))
            return
        }
        let wire = WireFormat(shape: shape, model: model, clock: clock)
        guard await runner.load(model) else {
            reply.send(Self.busy)
            return
        }
        if shape == .chat, body.messages?.isEmpty ?? true {  // one object, even if a stream was requested
            reply.send(Response(.ok, .json, body: wire.loadOnly()))
            return
        }
        let answer = Answer(to: body, tokens: settings.tokens)
        var pending: Reply? = consume reply
        await runner.inTurn {
            let reply = pending.take()!
            if body.stream ?? true {
                await stream(answer, wire, reply)
            } else {
                await whole(answer, wire, reply)
            }
        }
        // A client that left before its request could run gets no reply; there is no reader.
        if let reply = pending.take() { reply.send(Self.busy) }
    }

    private func whole(_ answer: Answer, _ wire: WireFormat, _ reply: consuming Reply) async {
        let started = ContinuousClock.now
        await loop.sleep(for: settings.firstToken + settings.tokenInterval * max(answer.tokens.count - 1, 0))
        let body = wire.whole(answer, started: started)
        if body.count <= Self.contentLengthLimit {
            reply.send(Response(.ok, .json, body: body))
        } else {
            let stream = reply.start(.ok, .json)
            await stream.send(body)
            stream.end()
        }
    }

    private func stream(_ answer: Answer, _ wire: WireFormat, _ reply: consuming Reply) async {
        let started = ContinuousClock.now
        await loop.sleep(for: settings.firstToken)  // no status line before the first token
        let body = reply.start(.ok, .ndjson)
        let before = answer.thinking.map(wire.thinking) + (answer.tool.map { [wire.call($0)] } ?? [])
        for index in 0..<(before.count + answer.tokens.count) {
            if index > 0 { await loop.sleep(for: settings.tokenInterval) }
            if Task.isCancelled { return }
            await body.send(index < before.count ? before[index] : wire.token(answer.tokens[index - before.count]))
        }
        await body.send(wire.end(answer, started: started))
        body.end()
    }
}
