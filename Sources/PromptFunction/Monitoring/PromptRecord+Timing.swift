internal import EventLoop
internal import HTTPServer
internal import Logging

extension PromptRecord {
    /// Writes the field that names the request.
    func putID(to lines: inout ASCIIText) {
        lines.put("X-Request-Id: ")
        if let clientID { lines.put(bytes: Array(clientID.utf8)) } else { lines.put(hexadecimal: number) }
        lines.put("\r\n")
    }

    /// Writes the field that says how long each step took in a reply that begins now: until a backend was asked, to open a
    /// connection to it, from then on until there was something to send, and all of it. Source: W3C, Server Timing, 2.
    ///
    /// - Parameter step: what the time is called from when a backend was asked; `nil`: nothing of an answer has come.
    func putTiming(at now: LoopInstant, step: StaticString?, to lines: inout ASCIIText) {
        lines.put("Server-Timing: queue")
        Self.put((askedAt ?? now).nanoseconds(since: began), to: &lines)
        if let connecting {
            lines.put(", connect")
            Self.put(connecting, to: &lines)
        }
        if let askedAt, let step {
            lines.put(", ")
            lines.put(step)
            Self.put(now.nanoseconds(since: askedAt) - (connecting ?? 0), to: &lines)
        }
        lines.put(", total")
        Self.put(now.nanoseconds(since: began), to: &lines)
        lines.put("\r\n")
    }

    private static func put(_ nanoseconds: Int64, to lines: inout ASCIIText) {
        lines.put(";dur=")
        put(milliseconds: nanoseconds, to: &lines)
    }

    /// With one decimal place.
    private static func put(milliseconds nanoseconds: Int64, to text: inout ASCIIText) {
        text.put(tenths: Int(max(nanoseconds, 0) + 50_000) / 100_000)
    }

    /// Milliseconds, with one decimal place.
    static func milliseconds(_ nanoseconds: Int64) -> String {
        var text = ASCIIText()
        put(milliseconds: nanoseconds, to: &text)
        return text.string
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
