/// A JSON string without its quotes, with its escapes not resolved.
///
/// A prompt is passed from a request to Ollama without being converted to `String`.
package struct JSONText: Sendable, Equatable {
    /// Valid JSON when put between two quotes.
    package let bytes: ArraySlice<UInt8>

    /// Makes a text from what a `JSONReader` found in `json`.
    package init(_ text: JSONReader.Text, in json: [UInt8]) { bytes = json[text.range] }

    package init(_ string: String) {
        var writer = JSONWriter()
        writer.put(quoted: string)
        bytes = writer.bytes.dropFirst().dropLast()
    }

    /// The text with its escapes resolved.
    package var string: String {
        var text: [UInt8] = []
        guard unsafe bytes.withUnsafeBytes({ unsafe JSONString.appendUnescaped($0, to: &text) }) else { return "" }
        return String(decoding: text, as: UTF8.self)
    }
}
