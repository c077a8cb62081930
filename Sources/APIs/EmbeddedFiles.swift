import Glibc
internal import JSON

/// Finds the images, sounds and documents in the body of a request. The time depends on the body's size, so call it on
/// Dispatch.
package enum EmbeddedFiles {
    /// What a member with files is taken for at most: about 1,000 tokens of text.
    private static let mostCounted = 4000
    /// The length up to which a body is not searched, as files in it make little difference.
    private static let shortest = 8192

    /// The members that have files, in Ollama's, OpenAI's and Anthropic's APIs.
    private static let names: [StaticString] = ["images", "image_url", "data", "file_data"]

    /// The bytes of files by which valid JSON is longer than the text that a model would read in the same number of tokens.
    package static func excess(in json: ArraySlice<UInt8>) -> Int {
        guard json.count > shortest else { return 0 }
        return unsafe json.withUnsafeBytes { bytes in
            var excess = 0
            var position = 0
            while let quote = unsafe index(of: UInt8(ascii: "\""), in: bytes, from: position) {
                position = quote + 1
                guard let value = unsafe value(of: quote, in: bytes) else { continue }
                excess += max(0, value.count - mostCounted)
                position = value.upperBound
            }
            return excess
        }
    }

    private static func index(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = unsafe memchr(base + start, CInt(byte), bytes.count - start)
        else { return nil }
        return unsafe UnsafeRawPointer(found) - base
    }

    /// Where the value is of a member with files whose name begins at this quote. Inside a text there is no such place, as
    /// its quotes have backslashes before them.
    private static func value(of quote: Int, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        for name in names {
            let end = quote + 1 + name.utf8CodeUnitCount
            guard end < bytes.count, unsafe bytes[end] == UInt8(ascii: "\""),
                unsafe memcmp(bytes.baseAddress! + quote + 1, name.utf8Start, name.utf8CodeUnitCount) == 0
            else { continue }
            var colon = unsafe JSONReader(UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...]))
            guard (try? colon.peek()) == UInt8(ascii: ":") else { return nil }
            let start = end + 1 + colon.position + 1
            var reader = unsafe JSONReader(UnsafeRawBufferPointer(rebasing: bytes[start...]), allowsHalfPairs: true)
            guard let value = try? reader.skipped() else { return nil }
            return (start + value.lowerBound)..<(start + value.upperBound)
        }
        return nil
    }
}
