internal import Glibc

/// The tokens that a prompt and its answer have, as far as the host says it.
package struct TokenUsage: Equatable, Sendable {
    // Small, since each part of an answer has one; negative: not known.
    private var inputCount: Int32 = -1
    private var outputCount: Int32 = -1

    package init() {}

    package init(input: Int?, output: Int?) {
        self.input = input
        self.output = output
    }

    /// The tokens of the prompt.
    package var input: Int? {
        get { inputCount < 0 ? nil : Int(inputCount) }
        set { inputCount = newValue.map { Int32(clamping: $0) } ?? -1 }
    }

    /// The tokens that the model has written.
    package var output: Int? {
        get { outputCount < 0 ? nil : Int(outputCount) }
        set { outputCount = newValue.map { Int32(clamping: $0) } ?? -1 }
    }

    /// Takes over what `later` says.
    mutating func update(_ later: TokenUsage) {
        input = later.input ?? input
        output = later.output ?? output
    }

    /// The names under which the APIs say it.
    private static let inputNames: [StaticString] = ["\"prompt_eval_count\"", "\"prompt_tokens\"", "\"input_tokens\""]
    private static let outputNames: [StaticString] = ["\"eval_count\"", "\"completion_tokens\"", "\"output_tokens\""]

    /// Finds it in an answer, or in one object of it. What it says more than once, it says last.
    ///
    /// Looks for the members' names alone, so that the beginning may be missing: in a string, their quotes would be
    /// escaped.
    package static func find(in json: UnsafeRawBufferPointer) -> TokenUsage {
        var usage = TokenUsage()
        var position = 0
        while let start = json.baseAddress,
            let colon = unsafe memchr(start + position, 0x3A, json.count - position)
        {
            let end = unsafe start.distance(to: colon)
            if unsafe mayBeName(json, before: end) {
                if inputNames.contains(where: { unsafe ends(json, at: end, with: $0) }) {
                    usage.input = unsafe number(json, after: end) ?? usage.input
                } else if outputNames.contains(where: { unsafe ends(json, at: end, with: $0) }) {
                    usage.output = unsafe number(json, after: end) ?? usage.output
                }
            }
            position = end + 1
        }
        return usage
    }

    /// Whether one of the names may be just before `end`, by its last letter. Of most colons this is all that is looked at.
    private static func mayBeName(_ json: UnsafeRawBufferPointer, before end: Int) -> Bool {
        guard end >= 2 else { return false }
        let letter = unsafe json[end - 2]
        return letter == UInt8(ascii: "t") || letter == UInt8(ascii: "s")
    }

    /// Whether `name` is just before `end`.
    private static func ends(_ json: UnsafeRawBufferPointer, at end: Int, with name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        guard let start = json.baseAddress, end >= count else { return false }
        return unsafe memcmp(start + (end - count), name.utf8Start, count) == 0
    }

    /// The number of at most nine digits that follows a colon.
    private static func number(_ json: UnsafeRawBufferPointer, after colon: Int) -> Int? {
        var number = 0
        var digits = 0
        for index in (colon + 1)..<json.count {
            let byte = unsafe json[index]
            if byte == 0x20 && digits == 0 { continue }
            guard (0x30...0x39).contains(byte), digits < 9 else { break }
            number = number * 10 + Int(byte - 0x30)
            digits += 1
        }
        return digits > 0 ? number : nil
    }
}
