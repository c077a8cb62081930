package import JSON

/// A request to an endpoint: what must be known of it to serve it. The rest is passed on unchanged.
package struct PostedRequest: Sendable {
    /// The name of the model, without its quotes.
    package private(set) var model: JSONText
    /// Whether the answer is streamed.
    package private(set) var isStreamed: Bool
    /// Whether the model may call tools.
    package private(set) var hasTools: Bool
    /// Whether the model answers the same each time: the temperature is 0, or there is a seed.
    package private(set) var isDeterministic: Bool
    /// The bytes of text that the model must read, images in messages included.
    package private(set) var promptBytes: Int
    /// The body from the first text on that the model must read: prompts that begin alike are equal there.
    package var prompt: ArraySlice<UInt8> { body[promptStart...] }

    private let endpoint: Endpoint?
    private let body: [UInt8]
    private let modelRange: Range<Int>
    private let promptStart: Int
    private let limits: TokenLimits

    /// Why a request is refused.
    package enum Mistake: Error {
        /// The body is not a JSON object.
        case malformed(JSONMistake)
        /// The sentence is for the client.
        case complaint(String)
        /// The body has no model.
        case noModel
        /// The request asks for more tokens than are allowed.
        case tooManyTokens(name: String, limit: Int)
        /// The request asks for several answers, while their tokens are limited.
        case severalPrompts
    }

    /// Reads a body, in one pass that checks all of it. The time depends on the body's size.
    ///
    /// A name that matters may occur once only, and only in lower case: Ollama would read `Model` as `model`, and
    /// servers differ in which of two they take. Source: Go's encoding/json, Unmarshal.
    ///
    /// - Parameter endpoint: `nil` if the request names a model, but does not ask it.
    package init(_ body: [UInt8], to endpoint: Endpoint?) throws(Mistake) {
        var reading = PostedRequestReading(endpoint)
        let stopped = unsafe body.withUnsafeBytes { bytes in
            var reader = unsafe JSONReader(bytes, allowsHalfPairs: true)  // as JavaScript's clients send them
            do throws(JSONReader.Malformed) {
                try reading.object(&reader)
                return nil as JSONMistake?
            } catch {
                return JSONMistake(reader)
            }
        }
        if let stopped { throw .malformed(stopped) }
        if let complaint = reading.complaint { throw .complaint(complaint) }
        guard let model = reading.model ?? reading.name, !model.range.isEmpty else { throw .noModel }
        self.endpoint = endpoint
        self.body = body
        self.model = JSONText(model, in: body)
        modelRange = model.range
        isStreamed = reading.stream ?? endpoint?.streamsByDefault ?? false
        hasTools = reading.hasTools
        isDeterministic = reading.isDeterministic
        promptBytes = reading.promptBytes
        promptStart = reading.promptStart ?? body.count
        limits = reading.limits
    }

    /// The body of a request that only loads the model, as this one would have it loaded. Source: Ollama's docs/api, "Load
    /// a model".
    package static func loadBody(model: JSONText, as body: [UInt8]) -> [UInt8] {
        var writer = JSONWriter()
        writer.put("{\"model\":\"")
        writer.put(model)
        writer.put("\",\"stream\":false")
        let (options, keepAlive) = PostedRequestReading.loadOptions(of: body)
        writer.put(",\"options\":", options.map { JSONValue($0, in: body) })
        // A time of 0 would unload it.
        let time = keepAlive.flatMap { Self.isZero(body[$0]) ? nil : $0 }
        writer.put(",\"keep_alive\":", time.map { JSONValue($0, in: body) })
        writer.put("}")
        return writer.bytes
    }

    /// Whether a duration is zero: a number, or a string such as `0s`.
    private static func isZero(_ json: ArraySlice<UInt8>) -> Bool {
        json.contains(UInt8(ascii: "0")) && !json.contains { (0x31...0x39).contains($0) }
    }

    /// The body to pass on: as it came, but with another model's name, and with a limit of tokens, where they are given.
    ///
    /// - Throws: `Mistake.tooManyTokens` if the request's own limit is above `maxTokens`.
    package func body(model: JSONText?, maxTokens: Int?) throws(Mistake) -> [UInt8] {
        var edits: [(range: Range<Int>, bytes: [UInt8])] = []
        if let model { edits.append((modelRange, Array(model.bytes))) }
        if let maxTokens, let endpoint, !endpoint.tokenLimits.isEmpty {
            for (range, text) in try limits.edits(endpoint, max: maxTokens, in: body) {
                edits.append((range, Array(text.utf8)))
            }
        }
        guard !edits.isEmpty else { return body }
        edits.sort { $0.range.lowerBound < $1.range.lowerBound }
        var output: [UInt8] = []
        output.reserveCapacity(body.count + edits.reduce(0) { $0 + $1.bytes.count })
        var position = 0
        for edit in edits {
            output += body[position..<edit.range.lowerBound]
            output += edit.bytes
            position = edit.range.upperBound
        }
        return output + body[position...]
    }
}

/// Where a request says how many tokens it wants.
struct TokenLimits: Sendable {
    /// The values that were given, with the names of their members.
    var values: [(name: String, range: Range<Int>, isNull: Bool)] = []
    /// Just behind the brace of the object in which a limit can be added, and whether the object is empty.
    var place: (position: Int, isEmpty: Bool)?
    /// The value of `options`, if it is `null`.
    var nullOptions: Range<Int>?
    /// The member that asks for several answers.
    var copies: String?
    /// Whether there are several prompts, each of which gets an answer.
    var hasSeveralPrompts = false
    /// Just behind the brace of the whole body.
    var start = 0

    /// What must be changed so that no answer has more than `max` tokens.
    func edits(
        _ endpoint: Endpoint, max: Int, in body: [UInt8]
    ) throws(PostedRequest.Mistake) -> [(Range<Int>, String)] {
        if let copies, endpoint.api == .openai { throw .tooManyTokens(name: copies, limit: 1) }
        if hasSeveralPrompts { throw .severalPrompts }
        var edits: [(Range<Int>, String)] = []
        var isGiven = false
        for value in values {
            if value.isNull {
                edits.append((value.range, "\(max)"))
            } else {
                let wanted = Int(String(decoding: body[value.range], as: UTF8.self)) ?? -1
                guard wanted >= 0 && wanted <= max else { throw .tooManyTokens(name: value.name, limit: max) }
            }
            // A host may know the usual name only.
            if value.name == "\(endpoint.tokenLimits[0])" { isGiven = true }
        }
        if isGiven { return edits }
        return edits + [place(endpoint, max: max)]
    }

    /// The change that adds a limit.
    private func place(_ endpoint: Endpoint, max: Int) -> (Range<Int>, String) {
        let member = "\"\(endpoint.tokenLimits[0])\":\(max)"
        if let nullOptions {
            return (nullOptions, "{\(member)}")
        } else if let place {
            return (place.position..<place.position, member + (place.isEmpty ? "" : ","))
        }
        // The body has a model at least, so there is something behind the comma.
        return (start..<start, (endpoint.limitsTokensInOptions ? "\"options\":{\(member)}" : member) + ",")
    }
}
