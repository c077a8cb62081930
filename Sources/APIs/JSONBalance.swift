/// Whether what has come of a JSON text can be all of it: each brace, bracket and string is closed. Belongs to one thread.
///
/// It is for a body whose end is that of the connection: such an end says nothing.
package struct JSONBalance: Sendable {
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var hasBegun = false

    package init() {}

    /// Whether an object or an array was begun, and all is closed.
    package var isClosed: Bool { hasBegun && depth == 0 && !isInString }

    package mutating func read(_ bytes: Span<UInt8>) {
        for index in bytes.indices { read(bytes[index]) }
    }

    private mutating func read(_ byte: UInt8) {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            depth += 1
            hasBegun = true
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        default: break
        }
    }
}
