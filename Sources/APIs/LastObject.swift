internal import JSON

/// An object of a stream of Ollama's that may be its last.
struct LastObject {
    private var done: Bool?
    private var hasReason = false
    private(set) var isError = false
    private(set) var usage = TokenUsage()

    /// Whether it ends the answer: it says so, or is an error.
    var isLast: Bool { isDone || isError }

    private var isDone: Bool { done ?? hasReason }  // some proxies leave `done` out

    init?(_ line: UnsafeRawBufferPointer) {
        var reader = unsafe JSONReader(line, allowsHalfPairs: true)
        do throws(JSONReader.Malformed) {
            try read(&reader)
        } catch {
            return nil
        }
        if isDone { usage = unsafe TokenUsage.find(in: line) }
    }

    private mutating func read(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "done"), kind == .boolean {
                done = try reader.boolean()
            } else if reader.matches(name, "done_reason"), kind == .string {
                hasReason = try !reader.string().range.isEmpty
            } else {
                try reader.skipValue()
                if reader.matches(name, "error"), kind != .null { isError = true }
            }
        }
    }
}
