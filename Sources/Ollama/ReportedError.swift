internal import JSON

/// An error as Ollama, or what stands before it, reports it: a text, or an object with one inside.
///
/// Ollama's own errors are texts. Some have the text of an object inside, with the status of the runner that failed;
/// gateways send objects, as OpenAI's API does.
package struct ReportedError: Equatable, Sendable {
    /// The words, of at most `limit` bytes.
    package private(set) var message: String
    /// The status that the object names, in `code` or `status`.
    package private(set) var status: Int?

    /// The most bytes of an error that are kept.
    static let limit = 4096

    package init(message: String, status: Int? = nil) {
        self.message = message
        self.status = status
    }

    /// Reads the body of a response that is an error; `nil` if it is none.
    package init?(body: UnsafeRawBufferPointer) {
        guard case .error(let error) = unsafe ReplyScanner.scan(body) else { return nil }
        self = error
    }

    /// Reads the body of an error of a server with OpenAI's API; `nil` if it is none.
    ///
    /// Not all such servers have the member `error`: some say `message`, and a request that is checked by FastAPI gets the
    /// words as `detail`.
    package init?(openAI body: UnsafeRawBufferPointer) {
        if let error = unsafe ReportedError(body: body) {
            self = error
            return
        }
        var reader = unsafe JSONReader(body, allowsHalfPairs: true)
        guard let words = try? Self.words(&reader) else { return nil }
        unsafe self.init(UnsafeRawBufferPointer(rebasing: body[words]))
    }

    private static func words(_ reader: inout JSONReader) throws(JSONReader.Malformed) -> Range<Int>? {
        var words: Range<Int>?
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let isWords = reader.matches(name, "message") || reader.matches(name, "detail")
            let kind = try reader.kind()
            let range = try reader.skipped()
            if isWords && (kind == .string || kind == .array) { words = range }
        }
        try reader.end()
        return words
    }

    /// Reads the value of `error`, which is valid JSON.
    package init(_ json: UnsafeRawBufferPointer) {
        self.init(message: unsafe String(decoding: json.prefix(Self.limit), as: UTF8.self))
        var looks = 0
        unsafe take(json, &looks)
    }

    /// Takes the words from a value. Returns whether it is JSON and has some.
    @discardableResult private mutating func take(_ json: UnsafeRawBufferPointer, _ looks: inout Int) -> Bool {
        looks += 1
        guard looks < 8 else { return false }  // who nests errors deeper is not worth the time
        var reader = unsafe JSONReader(json, allowsHalfPairs: true)
        do throws(JSONReader.Malformed) {
            switch try reader.kind() {
            case .string:
                let text = reader.unescaped(try reader.string())
                try reader.end()
                let isObject = text.first == UInt8(ascii: "{")
                if unsafe !isObject || !text.withUnsafeBytes({ unsafe take($0, &looks) }) {
                    message = String(decoding: text.prefix(Self.limit), as: UTF8.self)
                }
                return true
            case .object: return try takeObject(&reader, &looks)
            default: return false
            }
        } catch {
            return false
        }
    }

    private mutating func takeObject(
        _ reader: inout JSONReader, _ looks: inout Int
    ) throws(JSONReader.Malformed) -> Bool {
        var hasWords = false
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let isWords = reader.matches(name, "message") || reader.matches(name, "error")
            let isStatus = reader.matches(name, "code") || reader.matches(name, "status")
            let kind = try reader.kind()
            let start = reader.position
            try reader.skipValue()
            let value = unsafe UnsafeRawBufferPointer(rebasing: reader.bytes[start..<reader.position])
            if isWords, unsafe take(value, &looks) { hasWords = true }
            if isStatus, kind == .number, let code = unsafe Int(String(decoding: value, as: UTF8.self)) {
                status = code
            }
        }
        return hasWords
    }
}
