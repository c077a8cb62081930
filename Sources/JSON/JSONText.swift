/// A string as JSON has it: what stands between the quotes, escapes and all.
///
/// A prompt goes from a request to Ollama without being made a `String` on the way.
package struct JSONText: Sendable, Equatable {
    /// Valid JSON between two quotes.
    package let bytes: ArraySlice<UInt8>

    /// What a `JSONReader` found in `json`.
    package init(_ text: JSONReader.Text, in json: [UInt8]) { bytes = json[text.range] }

    package init(_ string: String) {
        var writer = JSONWriter()
        writer.put(quoted: string)
        bytes = writer.bytes.dropFirst().dropLast()
    }

    /// What it stands for.
    package var string: String {
        var text: [UInt8] = []
        guard unsafe bytes.withUnsafeBytes({ unsafe JSONString.appendUnescaped($0, to: &text) }) else { return "" }
        return String(decoding: text, as: UTF8.self)
    }
}
