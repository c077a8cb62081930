/// A server-sent event: its name and its data.
struct StreamEvent: Equatable {
    var name: String
    var data: [UInt8]

    /// The events in `bytes`, found in a simple way. Source: WHATWG HTML, 9.2.6.
    static func all(in bytes: ArraySlice<UInt8>) -> [StreamEvent] {
        var events: [StreamEvent] = []
        var name = ""
        var data: [ArraySlice<UInt8>] = []
        // What comes after the last line end is no line.
        for line in lines(bytes).dropLast() {
            if line.isEmpty {
                if !data.isEmpty { events.append(StreamEvent(name: name, data: Array(data.joined(separator: [0x0A])))) }
                (name, data) = ("", [])
            }
            let colon = line.firstIndex(of: UInt8(ascii: ":"))
            var value = colon.map { line[($0 + 1)...] } ?? []
            if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
            let field = line[..<(colon ?? line.endIndex)]
            if field.elementsEqual("data".utf8) { data.append(value) }
            if field.elementsEqual("event".utf8) { name = String(decoding: value, as: UTF8.self) }
        }
        return events
    }

    /// The text between CR, LF or CRLF.
    private static func lines(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var text: [UInt8] = []
        var previous: UInt8 = 0
        for byte in bytes {
            if byte != 0x0A || previous != 0x0D { text.append(byte == 0x0D ? 0x0A : byte) }
            previous = byte
        }
        return text.split(separator: 0x0A, omittingEmptySubsequences: false)
    }
}
