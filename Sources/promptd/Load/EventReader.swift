/// Finds the events in a `text/event-stream`, wherever the input is split. Source: WHATWG HTML, 9.2.6.
///
/// A value: any thread. A byte order mark is not expected.
struct EventReader {
    /// The most bytes of a line, and of an event's data.
    static let limit = 1 << 20

    /// The line that has not ended yet.
    private var line: [UInt8] = []
    private var name = ""
    private var data: [UInt8] = []
    private var hasData = false
    private var followsCR = false

    /// Whether every byte so far belonged to an event that has ended, or to no event.
    var isBetweenEvents: Bool { line.isEmpty && name.isEmpty && !hasData }

    /// Reads `bytes`, and calls `event` for each event that ends in them, with its name (empty for a plain message) and
    /// its data.
    ///
    /// - Returns: false if a line or an event is too long; nothing more can be read then.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ event: (_ name: String, _ data: UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        var start = 0
        for position in bytes.indices {
            let byte = unsafe bytes[position]
            guard byte == 0x0A || byte == 0x0D else {
                followsCR = false
                continue
            }
            defer { start = position + 1 }
            let isSecondHalf = byte == 0x0A && followsCR  // CRLF is one line end
            followsCR = byte == 0x0D
            if isSecondHalf { continue }
            unsafe endLine(UnsafeRawBufferPointer(rebasing: bytes[start..<position]), event)
        }
        unsafe line.append(contentsOf: bytes[start...])
        return line.count <= Self.limit && data.count <= Self.limit
    }

    /// Handles the end of a line whose last part is `tail`.
    private mutating func endLine(
        _ tail: UnsafeRawBufferPointer, _ event: (_ name: String, _ data: UnsafeRawBufferPointer) -> Void
    ) {
        if line.isEmpty {
            unsafe take(tail, event)
        } else {
            var whole: [UInt8] = []
            swap(&whole, &line)
            unsafe whole.append(contentsOf: tail)
            unsafe whole.withUnsafeBytes { unsafe take($0, event) }
        }
    }

    private mutating func take(
        _ line: UnsafeRawBufferPointer, _ event: (_ name: String, _ data: UnsafeRawBufferPointer) -> Void
    ) {
        if unsafe line.isEmpty {
            unsafe endEvent(event)
        } else if let value = unsafe Self.value(of: "data", in: line) {
            if hasData { data.append(0x0A) }
            unsafe data.append(contentsOf: value)
            hasData = true
        } else if let value = unsafe Self.value(of: "event", in: line) {
            name = unsafe String(decoding: value, as: UTF8.self)
        }  // else a comment, or a field that is not used here
    }

    private mutating func endEvent(_ event: (_ name: String, _ data: UnsafeRawBufferPointer) -> Void) {
        if hasData { unsafe data.withUnsafeBytes { unsafe event(name, $0) } }
        data.removeAll(keepingCapacity: true)
        hasData = false
        name = ""
    }

    /// The value of the field `name`, after the colon and one space; `nil` if `line` is not that field.
    private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = name.utf8CodeUnitCount
        guard line.count >= count else { return nil }
        for index in 0..<count where unsafe line[index] != name.utf8Start[index] { return nil }
        if line.count == count { return unsafe UnsafeRawBufferPointer(rebasing: line[count...]) }
        guard unsafe line[count] == UInt8(ascii: ":") else { return nil }
        let start = unsafe line.count > count + 1 && line[count + 1] == UInt8(ascii: " ") ? count + 2 : count + 1
        return unsafe UnsafeRawBufferPointer(rebasing: line[start...])
    }
}
