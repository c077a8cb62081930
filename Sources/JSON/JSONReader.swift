/// Reads JSON text step by step and checks every byte of it. Source: RFC 8259.
///
/// Public, unlike the rest of the module: the optimizer inlines only public code across modules. Without inlining, a
/// token costs 10 % more instructions (scripts/cost).
///
/// Throws `Malformed` at the first byte that is not JSON. Usable on any thread; allocates nothing.
///
/// `@safe`: the code that makes a reader keeps the bytes valid while the reader exists, because it makes one only
/// inside `withUnsafeBytes`. A `Span` would let the compiler check this, but a type that stores one needs lifetime
/// annotations, which are experimental in Swift 6.3.
@safe public struct JSONReader {
    /// The text is not JSON, or nested deeper than `maximumDepth`.
    public struct Malformed: Error {
        public init() {}
    }

    /// A string: the range between its quotes, which is valid UTF-8 with valid escapes.
    public struct Text: Sendable {
        public var range: Range<Int>
        public var hasEscapes: Bool

        public init(range: Range<Int>, hasEscapes: Bool) {
            self.range = range
            self.hasEscapes = hasEscapes
        }
    }

    /// Maximum nesting depth of arrays and objects, including the outermost.
    public static var maximumDepth: Int { 512 }

    public let bytes: UnsafeRawBufferPointer
    /// The index of the next byte to read.
    public private(set) var position = 0
    private var depth = 0

    /// Whether no further array or object may begin inside the current one.
    public var isAtMaximumDepth: Bool { depth == Self.maximumDepth }

    private let allowsHalfPairs: Bool

    /// - Parameter allowsHalfPairs: whether a string may have half a surrogate pair. Source: RFC 8259, 8.2.
    public init(_ bytes: UnsafeRawBufferPointer, allowsHalfPairs: Bool = false) {
        unsafe self.bytes = unsafe bytes
        self.allowsHalfPairs = allowsHalfPairs
    }

    /// Whether `bytes` are exactly one JSON value, apart from white space around it.
    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = unsafe JSONReader(bytes)
        do throws(Malformed) {
            try reader.skipValue()
            try reader.end()
            return true
        } catch {
            return false
        }
    }

    /// Skips white space and returns the next byte, without consuming it.
    public mutating func peek() throws(Malformed) -> UInt8 {
        while unsafe position < bytes.count {
            switch unsafe bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case let byte: return byte
            }
        }
        throw Malformed()
    }

    /// Throws unless only white space is left.
    public mutating func end() throws(Malformed) {
        if (try? peek()) != nil { throw Malformed() }
    }

    // MARK: Arrays and objects

    /// Consumes the brace or bracket that begins an object or array.
    public mutating func begin(_ opening: Unicode.Scalar) throws(Malformed) {
        guard try peek() == UInt8(ascii: opening), depth < Self.maximumDepth else { throw Malformed() }
        position += 1
        depth += 1
    }

    /// Consumes the comma before the next element, or the closing bracket. Returns whether there is another element.
    public mutating func nextElement(isFirst: inout Bool, before closing: Unicode.Scalar) throws(Malformed) -> Bool {
        let byte = try peek()
        if byte == UInt8(ascii: closing) {
            position += 1
            depth -= 1
            return false
        }
        if !isFirst {
            guard byte == UInt8(ascii: ",") else { throw Malformed() }
            position += 1
        }
        isFirst = false
        return true
    }

    /// Consumes the next name of an object and its colon. Returns `nil` at the object's end.
    public mutating func nextName(isFirst: inout Bool) throws(Malformed) -> Text? {
        guard try nextElement(isFirst: &isFirst, before: "}") else { return nil }
        let name = try string()
        guard try peek() == UInt8(ascii: ":") else { throw Malformed() }
        position += 1
        return name
    }

    /// Whether the text is `name`, also if it is written with escapes.
    @inlinable @inline(__always) public func matches(_ text: Text, _ name: StaticString) -> Bool {
        guard text.range.count == name.utf8CodeUnitCount else { return text.hasEscapes && matchesUnescaped(text, name) }
        for index in text.range where unsafe bytes[index] != name.utf8Start[index - text.range.lowerBound] {
            return false
        }
        return true
    }

    @usableFromInline @inline(never) func matchesUnescaped(_ text: Text, _ name: StaticString) -> Bool {
        let unescaped = unescaped(text)
        return unsafe unescaped.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// The text as UTF-8, with its escapes resolved.
    public func unescaped(_ text: Text) -> [UInt8] {
        var output: [UInt8] = []
        let raw = unsafe UnsafeRawBufferPointer(rebasing: bytes[text.range])
        _ = unsafe JSONString.appendUnescaped(raw, to: &output)  // the reader has already checked it
        return output
    }

    // MARK: Values

    /// The type of a value.
    public enum Kind: Sendable {
        case string, number, boolean, null, object, array
    }

    /// The type of the next value, by its first byte. The value is not consumed.
    public mutating func kind() throws(Malformed) -> Kind {
        switch Unicode.Scalar(try peek()) {
        case "\"": .string
        case "{": .object
        case "[": .array
        case "t", "f": .boolean
        case "n": .null
        default: .number
        }
    }

    /// Consumes a string.
    public mutating func string() throws(Malformed) -> Text {
        guard try peek() == UInt8(ascii: "\"") else { throw Malformed() }
        position += 1
        let start = position
        var hasEscapes = false
        while let stop = unsafe JSONString.endOfPlainText(bytes, from: position), unsafe stop < bytes.count {
            if unsafe bytes[stop] == UInt8(ascii: "\"") {
                position = stop + 1
                return Text(range: start..<stop, hasEscapes: hasEscapes)
            }
            position = stop
            guard unsafe bytes[stop] == UInt8(ascii: "\\"), let escape = unsafe JSONString.escape(bytes, at: stop),
                allowsHalfPairs || !escape.isHalf
            else { break }
            hasEscapes = true
            position = escape.end
        }
        throw Malformed()
    }

    /// Consumes `true` or `false`.
    public mutating func boolean() throws(Malformed) -> Bool {
        let isTrue = try peek() == UInt8(ascii: "t")
        try literal(isTrue ? "true" : "false")
        return isTrue
    }

    /// Consumes any value.
    public mutating func skipValue() throws(Malformed) {
        var isFirst = true
        switch Unicode.Scalar(try peek()) {
        case "\"": _ = try string()
        case "{":
            try begin("{")
            while try nextName(isFirst: &isFirst) != nil { try skipValue() }
        case "[":
            try begin("[")
            while try nextElement(isFirst: &isFirst, before: "]") { try skipValue() }
        case "t": try literal("true")
        case "f": try literal("false")
        case "n": try literal("null")
        default: try number()
        }
    }

    /// Consumes any value. Returns its range.
    @inlinable public mutating func skipped() throws(Malformed) -> Range<Int> {
        _ = try peek()
        let start = position
        try skipValue()
        return start..<position
    }

    /// Consumes any value; returns `nil` unless it is a non-negative integer of at most `maximumDigits`.
    public mutating func count() throws(Malformed) -> Int? {
        let digits = unsafe bytes[try skipped()]
        guard unsafe digits.count <= Self.maximumDigits, unsafe digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            return nil
        }
        return unsafe digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Of a number that `count` reads: enough for a time in seconds.
    public static var maximumDigits: Int { 12 }

    private mutating func literal(_ word: StaticString) throws(Malformed) {
        let count = word.utf8CodeUnitCount
        guard unsafe bytes.count - position >= count else { throw Malformed() }
        for offset in 0..<count where unsafe bytes[position + offset] != word.utf8Start[offset] { throw Malformed() }
        position += count
    }

    /// RFC 8259, 6.
    private mutating func number() throws(Malformed) {
        _ = pass("-")
        if !pass("0") { try digits() }
        if pass(".") { try digits() }
        if pass("e") || pass("E") {
            if !pass("-") { _ = pass("+") }
            try digits()
        }
    }

    private mutating func digits() throws(Malformed) {
        let start = position
        while unsafe position < bytes.count, unsafe bytes[position] >= 0x30, unsafe bytes[position] <= 0x39 {
            position += 1
        }
        if position == start { throw Malformed() }
    }

    private mutating func pass(_ wanted: Unicode.Scalar) -> Bool {
        guard unsafe position < bytes.count, unsafe bytes[position] == UInt8(ascii: wanted) else { return false }
        position += 1
        return true
    }
}
