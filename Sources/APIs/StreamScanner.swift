internal import Glibc

/// Reads along with a stream that is passed on: whether it is complete by its API's own marker, and how many tokens the
/// model has written. Belongs to one thread.
///
/// An HTTP message that ends properly may still be only a part of an answer: Ollama ends failed streams of `/v1` in
/// this way.
package struct StreamScanner {
    /// How the stream is divided into objects.
    package enum Format: Sendable {
        /// One JSON object per line, as Ollama sends them.
        case objects
        /// Server-sent events, as OpenAI's and Anthropic's APIs have them. Source: WHATWG HTML, 9.2.
        case events
        /// The body is one object, and has no marker.
        case whole
    }

    /// Maximum bytes of a line that is kept until its end has come, as in Ollama's own client.
    package static let lineLimit = 8 * 1024 * 1024
    /// Maximum bytes of a line of an event that is kept. Usage is short.
    private static let eventLineLimit = 256 * 1024
    /// The beginning that is kept of a longer one: the last event of a `/v1/responses` stream repeats the whole answer.
    private static let eventLineStart = 1024

    private let format: Format
    /// The start of a line whose end has not come.
    private var partial: [UInt8] = []
    /// Whether the start of the line was too long to be kept.
    private var skipsLine = false
    /// Whether the marker has come that ends a complete answer.
    private var hasMarker = false
    /// The name of the last event.
    private var event = Event.other
    /// Whether the host reports an error in place of the rest of the answer.
    package private(set) var endsWithError = false
    /// The tokens, if the answer says it.
    package private(set) var usage = TokenUsage()
    /// How many objects, or lines with an event's data, have come: a model sends one for each token, usually.
    package private(set) var parts = 0

    private enum Event {
        case other
        /// The last one of an answer, or of a part of one.
        case last, error
        /// Its data says how many tokens there are.
        case usage
    }

    package init(_ format: Format) { self.format = format }

    /// Whether the answer is complete, if nothing more comes.
    package var isComplete: Bool { format == .whole || hasMarker }

    /// The bytes that are kept.
    package var heldBytes: Int { partial.count }

    /// Reads the next bytes. Returns false if a line is longer than `lineLimit`.
    package mutating func read(_ bytes: Span<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBytes { unsafe format == .whole ? keepWhole($0) : readLines($0) }
    }

    /// Called when the body has ended.
    package mutating func end() {
        defer { partial = [] }
        guard !partial.isEmpty, !skipsLine else { return }
        unsafe partial.withUnsafeBytes { unsafe format == .whole ? readWhole($0) : readLine($0) }
    }

    // MARK: A whole body

    /// The end of a whole body that is kept: there the APIs say how many tokens there are.
    private static let endBytes = 4096

    private mutating func keepWhole(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // In pieces, so that never more than three times `endBytes` are kept.
        for start in stride(from: 0, to: bytes.count, by: Self.endBytes) {
            unsafe partial.append(contentsOf: bytes[start..<min(start + Self.endBytes, bytes.count)])
            guard partial.count > 2 * Self.endBytes else { continue }
            // What lies across the cut is found the next time.
            usage.update(unsafe partial.withUnsafeBytes { unsafe TokenUsage.find(in: $0) })
            partial.removeFirst(partial.count - Self.endBytes)
        }
        return true
    }

    private mutating func readWhole(_ json: UnsafeRawBufferPointer) {
        usage.update(unsafe TokenUsage.find(in: json))
    }

    // MARK: Lines

    private mutating func readLines(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = unsafe bytes
        while let end = unsafe Self.lineEnd(in: rest) {
            let piece = unsafe UnsafeRawBufferPointer(rebasing: rest[..<end])
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
            if partial.isEmpty && !skipsLine {
                unsafe readLine(piece)
            } else {
                guard unsafe keep(piece) else { return false }
                unsafe partial.withUnsafeBytes { unsafe skipsLine ? readStart(of: $0) : readLine($0) }
                partial.removeAll(keepingCapacity: partial.capacity <= 4096)
                skipsLine = false
            }
        }
        return unsafe rest.isEmpty || keep(rest)
    }

    private static func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress, let end = unsafe memchr(start, 0x0A, bytes.count) else { return nil }
        return unsafe start.distance(to: end)
    }

    /// Appends to the partial line. Returns false if it is too long.
    private mutating func keep(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if skipsLine { return true }
        if format == .events && partial.count + bytes.count > Self.eventLineLimit {
            skipsLine = true
            unsafe partial.append(contentsOf: bytes.prefix(Self.eventLineStart))
            partial = Array(partial.prefix(Self.eventLineStart))
            return true
        }
        guard partial.count + bytes.count <= Self.lineLimit else { return false }
        unsafe partial.append(contentsOf: bytes)
        return true
    }

    private mutating func readLine(_ line: UnsafeRawBufferPointer) {
        let isCR = unsafe line.last == 0x0D
        let line = unsafe isCR ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
        switch format {
        case .objects: unsafe readObject(line)
        case .events: unsafe readEventLine(line)
        case .whole: break
        }
    }

    // MARK: Objects

    private mutating func readObject(_ line: UnsafeRawBufferPointer) {
        parts &+= 1
        // Nearly all objects end like this. In a string the quotes would be escaped.
        if unsafe Self.ends(line, with: ",\"done\":false}") { return }
        guard let object = unsafe LastObject(line) else { return }
        hasMarker = hasMarker || object.isLast
        endsWithError = endsWithError || object.isError
        usage.update(object.usage)
    }

    // MARK: Events

    private mutating func readEventLine(_ line: UnsafeRawBufferPointer) {
        if unsafe line.isEmpty {
            event = .other  // the event has ended
        } else if let data = unsafe Self.value(of: "data:", in: line) {
            unsafe readData(data)
        } else if let name = unsafe Self.value(of: "event:", in: line) {
            event = unsafe Self.event(name)
        }
    }

    private mutating func readData(_ data: UnsafeRawBufferPointer) {
        let event = unsafe readMarker(data)
        if unsafe event == .usage || Self.hasUsage(data) {
            usage.update(unsafe TokenUsage.find(in: data))
        }
    }

    /// Reads the line of an event that is too long to be kept.
    private mutating func readStart(of line: UnsafeRawBufferPointer) {
        if let data = unsafe Self.value(of: "data:", in: line) { _ = unsafe readMarker(data) }
    }

    /// Notes whether data is the marker of the end, or an error. Returns which event it is.
    private mutating func readMarker(_ data: UnsafeRawBufferPointer) -> Event {
        parts &+= 1
        // Some servers leave out the event's name, which the data repeats.
        let event = unsafe self.event == .other ? Self.event(typeOf: data) : self.event
        let isDone = unsafe Self.equals(data, "[DONE]")
        let isError = unsafe event == .error || Self.isError(data)
        hasMarker = hasMarker || isDone || isError || event == .last
        endsWithError = endsWithError || isError
        return event
    }

    /// Whether an object begins with an error that is one.
    package static func isError(_ object: UnsafeRawBufferPointer) -> Bool {
        guard let value = unsafe value(of: "{\"error\":", in: object) else { return false }
        return unsafe !starts(value, with: "null")
    }

    /// The event that an object describes by its member `type`. In a string, the name's quotes would be escaped.
    private static func event(typeOf data: UnsafeRawBufferPointer) -> Event {
        // Chat completions have no type, and are most of what comes without the name of an event.
        if unsafe starts(data, with: "{\"id\":") { return .other }
        var rest = unsafe data
        while let start = rest.baseAddress, let colon = unsafe memchr(start, 0x3A, rest.count) {
            let position = unsafe data.count - rest.count + start.distance(to: colon)
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: data[(position + 1)...])
            let before = unsafe UnsafeRawBufferPointer(rebasing: data[..<position])
            guard unsafe ends(before, with: "\"type\"") else { continue }
            let text = unsafe rest.drop { $0 == 0x20 }
            guard unsafe text.first == UInt8(ascii: "\"") else { continue }
            let name = unsafe UnsafeRawBufferPointer(rebasing: text.dropFirst().prefix { $0 != UInt8(ascii: "\"") })
            let event = unsafe event(name)
            // Parts of an event have types too, of which only `error` is also that of an event.
            let isFirst = position == "{\"type\"".utf8.count
            if unsafe event != .other && (isFirst || !equals(name, "error")) { return event }
        }
        return .other
    }

    private static func event(_ name: UnsafeRawBufferPointer) -> Event {
        let last: [StaticString] = ["message_stop", "response.completed", "response.incomplete"]
        for word in last where unsafe equals(name, word) { return .last }
        if unsafe equals(name, "error") || equals(name, "response.failed") { return .error }
        return unsafe equals(name, "message_delta") ? .usage : .other
    }

    // MARK: Bytes

    /// What follows the name of a field, without one space before it; `nil` for another field.
    private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = name.utf8CodeUnitCount
        guard let start = line.baseAddress, line.count >= count, unsafe memcmp(start, name.utf8Start, count) == 0 else {
            return nil
        }
        let value = unsafe UnsafeRawBufferPointer(rebasing: line[count...])
        return unsafe value.first == 0x20 ? UnsafeRawBufferPointer(rebasing: value.dropFirst()) : value
    }

    private static func starts(_ bytes: UnsafeRawBufferPointer, with word: StaticString) -> Bool {
        guard let start = bytes.baseAddress, bytes.count >= word.utf8CodeUnitCount else { return false }
        return unsafe memcmp(start, word.utf8Start, word.utf8CodeUnitCount) == 0
    }

    private static func equals(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard let start = bytes.baseAddress, bytes.count == word.utf8CodeUnitCount else { return false }
        return unsafe memcmp(start, word.utf8Start, bytes.count) == 0
    }

    private static func ends(_ bytes: UnsafeRawBufferPointer, with word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard let start = bytes.baseAddress, bytes.count >= count else { return false }
        return unsafe memcmp(start + (bytes.count - count), word.utf8Start, count) == 0
    }

    /// Whether an object has a member `usage` that is an object. A token's has few braces, so few are looked at.
    private static func hasUsage(_ json: UnsafeRawBufferPointer) -> Bool {
        var rest = unsafe json
        while let start = rest.baseAddress, let brace = unsafe memchr(start, 0x7B, rest.count) {
            let position = unsafe start.distance(to: brace)
            let isSpaced = unsafe position > 0 && rest[position - 1] == 0x20
            let before = unsafe json.dropLast(rest.count - position + (isSpaced ? 1 : 0))
            if unsafe ends(UnsafeRawBufferPointer(rebasing: before), with: "\"usage\":") { return true }
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[(position + 1)...])
        }
        return false
    }
}
