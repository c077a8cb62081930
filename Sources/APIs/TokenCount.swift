internal import Glibc

/// Finds in an answer, or in one object of it, how many tokens the model has written.
///
/// It looks for the member's name alone, so that the beginning may be missing: in a string, its quotes would be escaped.
enum TokenCount {
    /// The names under which the APIs say it.
    private static let names: [StaticString] = ["\"eval_count\"", "\"completion_tokens\"", "\"output_tokens\""]

    /// `nil` if it says nothing about tokens. If it says it more than once, the last counts.
    static func find(in json: UnsafeRawBufferPointer) -> Int? {
        var count: Int?
        var position = 0
        while let start = json.baseAddress,
            let colon = unsafe memchr(start + position, 0x3A, json.count - position)
        {
            let end = unsafe start.distance(to: colon)
            if unsafe mayBeName(json, before: end) {
                for name in names where unsafe ends(json, at: end, with: name) {
                    if let number = unsafe number(json, after: end) { count = number }
                }
            }
            position = end + 1
        }
        return count
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
