internal import EventLoop
internal import HTTPServer
internal import Logging

extension PromptRecord {
    /// The fields of a reply that begins now: the request's id, and where its time went.
    ///
    /// Source: W3C, Server Timing, 2.
    ///
    /// - Parameter step: what the time is called from when a backend was asked; `nil`: nothing of an answer has come.
    func fields(at now: LoopInstant, step: String?) -> [HeaderField] {
        let timing = times(at: now, step: step).map { "\($0.name);dur=\(Self.milliseconds($0.time))" }
        return [
            HeaderField("X-Request-Id", id), HeaderField("Server-Timing", timing.joined(separator: ", ")),
        ].compactMap { $0 }
    }

    /// How long each step took: until a backend was asked, to open a connection to it, from then on until there was something
    /// to send, and all of it.
    private func times(at now: LoopInstant, step: String?) -> [(name: String, time: Duration)] {
        var times: [(name: String, time: Duration)] = [("queue", (askedAt ?? now) - began)]
        if let connecting { times.append(("connect", connecting)) }
        if let askedAt, let step { times.append((step, now - askedAt - (connecting ?? .zero))) }
        times.append(("total", now - began))
        return times
    }

    /// With one decimal place.
    static func milliseconds(_ duration: Duration) -> String {
        let tenths = (duration.inNanoseconds + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// What names the prompt in a line of the log.
    var logMetadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["request": "\(id)"]
        if let trace {
            metadata["trace-id"] = "\(trace.traceText)"
            metadata["span-id"] = "\(RequestIDs.text(trace.span))"
        }
        return metadata
    }
}
