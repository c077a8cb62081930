/// A simple JSON reader, to compare the real one with. Source: RFC 8259.
indirect enum ReferenceJSON: Equatable {
    case null
    case boolean(Bool)
    case number(String)
    /// UTF-16, as halves of surrogate pairs have no other form.
    case string([UInt16])
    case array([ReferenceJSON])
    case object([Member])

    struct Member: Equatable {
        let name: [UInt16]
        let value: ReferenceJSON
    }

    /// The value of `bytes`; `nil` if they are not JSON, or nested more than 512 levels deep.
    static func parse(_ bytes: some Collection<UInt8>) -> ReferenceJSON? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var parser = Parser(rest: text.unicodeScalars[...])
        guard let value = parser.value(512) else { return nil }
        parser.skipSpace()
        return parser.rest.isEmpty ? value : nil
    }

    private struct Parser {
        var rest: Substring.UnicodeScalarView

        mutating func skipSpace() {
            rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
        }

        /// Takes `text` if the rest begins with it.
        mutating func take(_ text: String) -> Bool {
            guard rest.starts(with: text.unicodeScalars) else { return false }
            rest = rest.dropFirst(text.unicodeScalars.count)
            return true
        }

        /// A value that has at most `depth` levels of arrays and objects.
        mutating func value(_ depth: Int) -> ReferenceJSON? {
            skipSpace()
            switch rest.first {
            case "{": return depth > 0 ? object(depth - 1) : nil
            case "[": return depth > 0 ? array(depth - 1) : nil
            case "\"": return string().map { .string($0) }
            case "n": return take("null") ? .null : nil
            case "t": return take("true") ? .boolean(true) : nil
            case "f": return take("false") ? .boolean(false) : nil
            default: return number()
            }
        }

        private mutating func object(_ depth: Int) -> ReferenceJSON? {
            var members: [Member] = []
            _ = take("{")
            skipSpace()
            if take("}") { return .object([]) }
            repeat {
                skipSpace()
                guard rest.first == "\"", let name = string() else { return nil }
                skipSpace()
                guard take(":"), let value = value(depth) else { return nil }
                members.append(Member(name: name, value: value))
                skipSpace()
            } while take(",")
            return take("}") ? .object(members) : nil
        }

        private mutating func array(_ depth: Int) -> ReferenceJSON? {
            var elements: [ReferenceJSON] = []
            _ = take("[")
            skipSpace()
            if take("]") { return .array([]) }
            repeat {
                guard let value = value(depth) else { return nil }
                elements.append(value)
                skipSpace()
            } while take(",")
            return take("]") ? .array(elements) : nil
        }

        private mutating func number() -> ReferenceJSON? {
            let start = rest
            _ = take("-")
            guard take("0") || digits() else { return nil }
            if take(".") { guard digits() else { return nil } }
            if take("e") || take("E") {
                if !take("-") { _ = take("+") }
                guard digits() else { return nil }
            }
            return .number(String(Substring(start[..<rest.startIndex])))
        }

        private mutating func digits() -> Bool {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest[digits.endIndex...]
            return !digits.isEmpty
        }

        private mutating func string() -> [UInt16]? {
            var units: [UInt16] = []
            rest.removeFirst()
            while let scalar = rest.popFirst() {
                switch scalar {
                case "\"": return units
                case "\\":
                    guard let unit = escape() else { return nil }
                    units.append(unit)
                case "\u{0}"..."\u{1F}": return nil
                default: units += Array(String(scalar).utf16)
                }
            }
            return nil
        }

        private mutating func escape() -> UInt16? {
            switch rest.popFirst() {
            case "\"": return 0x22
            case "\\": return 0x5C
            case "/": return 0x2F
            case "b": return 0x08
            case "f": return 0x0C
            case "n": return 0x0A
            case "r": return 0x0D
            case "t": return 0x09
            case "u":
                let digits = rest.prefix(4)
                rest = rest.dropFirst(4)
                guard digits.count == 4, digits.allSatisfy({ $0.properties.isASCIIHexDigit }) else { return nil }
                return UInt16(String(Substring(digits)), radix: 16)
            default: return nil
            }
        }
    }
}

extension [ReferenceJSON.Member] {
    /// The value of the last member with this name, which counts in Go and in promptd.
    func last(_ name: String) -> ReferenceJSON? { last { $0.name.elementsEqual(name.utf16) }?.value }
}
