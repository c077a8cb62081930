import EventLoop
import Glibc
import HTTPClient
import Ollama

/// An answer of a running promptd that is received as it comes, on a loop of its own.
struct StreamedAnswer: Sendable {
    private let request: SingleRequest
    private let deadlines: Deadlines

    /// - Parameter limit: how long the answer may take; 0 for no limit.
    init(_ request: SingleRequest, within limit: Duration) {
        self.request = request
        var deadlines = Deadlines()
        if limit > .zero { deadlines.connect = min(deadlines.connect, limit) }
        (deadlines.firstByte, deadlines.idle, deadlines.total) = (limit, limit, limit)
        self.deadlines = deadlines
    }

    /// How an answer ended.
    enum End: Sendable {
        case complete
        /// The user has interrupted it.
        case interrupted
        case failed(OllamaError)
    }

    /// Posts a prompt and prints its answer.
    ///
    /// - Throws: `StartError` with a sentence that describes the failure.
    func print(_ payload: Payload, by printer: AnswerPrinter) throws {
        let end = try run(payload, by: printer)
        if !printer.isPrinted { throw StartError(AnswerPrinter.unwritten) }
        if case .failed(let error) = end { throw StartError(TopScreen.plain(sentence(error))) }
    }

    /// The same, but an interrupt (Ctrl+C) ends only the answer if `stopsAtInterrupt`.
    func run(_ payload: Payload, by printer: AnswerPrinter, stopsAtInterrupt: Bool = false) throws -> End {
        let end = try EventLoop().run { loop in
            await exchange(payload, printer, stopsAtInterrupt, on: loop)
        }
        if case .failed = end { printer.end(isWhole: false) } else { printer.end() }
        return end
    }

    private func exchange(
        _ payload: Payload, _ printer: AnswerPrinter, _ stopsAtInterrupt: Bool, on loop: isolated EventLoop
    ) async -> End {
        let server = request.server
        let template = RequestTemplate(
            "POST", path: server.path + "/" + server.query, host: server.authority,
            fields: request.fields + [("Accept", "application/x-ndjson")])
        let origin = Origin(
            host: server.host, port: server.port, tls: server.tls, deadlines: deadlines, on: loop)
        defer { origin.closeIdle() }
        var isInterrupted = false
        var end = End.complete
        let done = Latch(on: loop)
        let task = loop.startTask {
            do throws(OllamaError) {
                try await origin.stream(payload, template, to: printer, options: nil, work: WorkQueue(on: loop))
            } catch {
                end = .failed(error)
            }
            done.open()
        }
        let interrupt =
            stopsAtInterrupt
            ? try? LoopSignal(SIGINT, on: loop) {
                isInterrupted = true
                task.cancel()
            } : nil
        await done.wait()
        withExtendedLifetime(interrupt) {}
        return isInterrupted ? .interrupted : end
    }

    /// What went wrong, in a sentence.
    func sentence(_ error: OllamaError) -> String {
        switch error {
        case .transport(let error): "\(request.server.root): \(SingleRequest.sentence(error))"
        case .refused(let status, let message, _):
            "promptd answered \(status): \(message.isEmpty ? "no reason was given." : message)"
        case .failed(let message): "the answer broke off: \(message)"
        default: "the answer broke off: \(error)"
        }
    }
}
