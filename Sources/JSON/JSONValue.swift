/// A JSON value as a client sent it: any value, or the elements of an array without its brackets. It is passed on
/// unchanged.
package struct JSONValue: Sendable, Equatable {
    /// Valid JSON.
    package let bytes: ArraySlice<UInt8>

    /// - Parameter range: where a `JSONReader` found it in `json`.
    package init(_ range: Range<Int>, in json: [UInt8]) { bytes = json[range] }

    package init(_ json: [UInt8]) { bytes = json[...] }

    package init(_ json: String) { bytes = Array(json.utf8)[...] }

    /// Whether it contains only white space, like the inside of an empty array.
    package var isBlank: Bool { bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D } }

    /// The same object with one more member at the end. If the name is already there, Go uses the last one. The value
    /// must be an object.
    package func adding(_ member: String) -> JSONValue {
        let inside = bytes.dropFirst().dropLast()
        let separator = JSONValue(inside).isBlank ? "" : ","
        return JSONValue(([UInt8(ascii: "{")] + inside + Array("\(separator)\(member)}".utf8))[...])
    }

    private init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }
}
