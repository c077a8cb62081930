/// A JSON value as a client sent it: any value, or the inside of an array. It is passed on without being written anew.
package struct JSONValue: Sendable, Equatable {
    /// Valid JSON.
    package let bytes: ArraySlice<UInt8>

    /// - Parameter range: where a `JSONReader` found it in `json`.
    package init(_ range: Range<Int>, in json: [UInt8]) { bytes = json[range] }

    package init(_ json: String) { bytes = Array(json.utf8)[...] }

    /// Whether nothing but white space is in it: as the inside of an empty array.
    package var isBlank: Bool { bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D } }

    /// The same object with one more member, the last: it is the one that counts for Go, should it be there already.
    /// It has to be an object.
    package func adding(_ member: String) -> JSONValue {
        let inside = bytes.dropFirst().dropLast()
        let separator = JSONValue(inside).isBlank ? "" : ","
        return JSONValue(([UInt8(ascii: "{")] + inside + Array("\(separator)\(member)}".utf8))[...])
    }

    private init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }
}
