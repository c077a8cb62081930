package import APIs
package import HTTPClient
package import Ollama

extension OpenAIClient {
    package func forward(
        _ request: Payload, to path: String, _ kind: ForwardedKind, lines: [UInt8], to receiver: some ForwardReceiver,
        options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage {
        guard case .answer(_, let isStreamed) = kind, let endpoint = Endpoint(rawValue: path), endpoint.api == .ollama
        else {
            let template = kind.isAnswer ? forwardTemplate(for: path) : template(kind.method, path)
            return try await origin.forward(
                request, template.adding(lines), kind, to: receiver, options: options, readError: Self.error)
        }
        let writer = ObjectReceiver(receiver)
        // A request that only loads a model has one object for an answer, even if it wants a stream.
        if isStreamed && !endpoint.isEmbedding && !LoadRequest.isOne(request) {
            let shape = endpoint == .generate ? ObjectShape.generate : .chat
            do throws(OllamaError) {
                try await stream(request, shape, to: writer, options: options)
            } catch {
                if case .failed(let message) = error { writer.end(withError: message) }
                throw error
            }
        } else {
            writer.send(try await answer(to: request, endpoint, as: .object, in: receiver, options: options))
        }
        return writer.usage
    }

    /// Reads the body of a refusal.
    private static func error(_ body: [UInt8]) -> ReportedError? {
        unsafe body.withUnsafeBytes { unsafe ReportedError(openAI: $0) }
    }
}

/// Passes on an answer that was translated, as Ollama would send it. Belongs to the loop's thread.
private final class ObjectReceiver: ChatReceiver {
    private let receiver: any ForwardReceiver
    private var flow: BodyFlow?
    private var hasBegun = false
    private var isComplete = false
    private var output: [UInt8] = []
    private var parts = 0
    private var halves = HalfPairs()
    private(set) var usage = TokenUsage()

    init(_ receiver: any ForwardReceiver) { self.receiver = receiver }

    func begin(_ flow: BodyFlow) { self.flow = flow }

    func mayHold(_ count: Int) -> Bool { receiver.mayHold(count) }

    func receive(_ part: borrowing ChatPart) {
        part.appendObject(to: &output, after: &halves)
        output.append(0x0A)
        parts += 1
        if part.isDone {
            isComplete = true
            usage = part.usage
        }
    }

    func endRead() -> Bool {
        guard !output.isEmpty, let flow else { return true }
        begin("application/x-ndjson", length: nil, flow)
        receiver.receive(output.span, parts: parts)
        parts = 0
        output.removeAll(keepingCapacity: output.capacity <= 4096)
        let mayGoOn = receiver.endRead()
        if isComplete { receiver.end() }
        return mayGoOn
    }

    private func begin(_ type: String, length: Int?, _ flow: BodyFlow?) {
        guard !hasBegun else { return }
        hasBegun = true
        let lines = Array("Content-Type: \(type)\r\n".utf8)
        receiver.begin(ForwardedHead(status: 200, fieldLines: lines, length: length), flow)
    }

    /// Ends an answer that has begun as Ollama does when the model fails.
    func end(withError message: String) {
        guard hasBegun, !isComplete else { return }
        receiver.receive((API.ollama.errorBody(status: 500, message) + [0x0A]).span, parts: 0)
        _ = receiver.endRead()
        receiver.end()
    }

    /// Sends a whole answer.
    func send(_ answer: WholeAnswer) {
        usage = answer.usage
        begin("application/json; charset=utf-8", length: answer.bytes.count, nil)
        receiver.receive(answer.bytes.span, parts: 1)
        _ = receiver.endRead()
        receiver.end()
    }
}
