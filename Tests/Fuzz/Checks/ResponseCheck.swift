@testable import HTTPClient

/// Reads the bytes as the responses on one connection: at once, and in pieces. The first byte decides how they are cut.
enum ResponseCheck {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        guard let seed = bytes.first else { return }
        let input = bytes.dropFirst()
        let whole = try read([input])
        // Byte by byte, the head is read again and again: that takes long for a long one.
        for seed in input.count <= 256 ? [1, UInt32(seed) + 2] : [UInt32(seed) + 2] {
            var splitter = Splitter(seed: seed)
            let cut = try read(splitter.pieces(of: input))
            try require(cut == whole, "cut by \(seed): \(cut) instead of \(whole)")
        }
        try compareWithReference(input, whole.first)
    }

    /// One response, as far as it has come.
    struct Response: Equatable {
        var head: ResponseHead?
        var body: [UInt8] = []
        /// `end`, `malformed: …`, or what the end of the connection means: `closed` or `cut`.
        var outcome = ""
    }

    /// Reads as a connection does, but goes on after each response.
    private static func read(_ pieces: [ArraySlice<UInt8>]) throws(Finding) -> [Response] {
        var reader = ResponseReader()
        var responses = [Response()]
        var isOver = false
        for piece in pieces where !isOver {
            isOver = unsafe piece.withCopy { bytes in
                unsafe reader.beginRead(bytes)
                while let response = next(&reader, &responses[responses.count - 1]) {
                    if response { return true }
                    responses.append(Response())
                    reader.begin(keepsFields: true, isToHead: false)
                }
                _ = reader.endRead()
                return false
            }
        }
        if !isOver { responses[responses.count - 1].outcome = reader.head != nil && reader.close() ? "closed" : "cut" }
        for response in responses {
            guard case .length(let length) = response.head?.framing else { continue }
            let isWhole = response.outcome == "end"
            let isRight = isWhole ? response.body.count == length : response.body.count < length
            try require(isRight, "\(response.body.count) bytes of \(length): \(response.outcome)")
        }
        return responses
    }

    /// Reads on. Returns whether nothing more can be read; false after a response; `nil` if more bytes are needed.
    private static func next(_ reader: inout ResponseReader, _ response: inout Response) -> Bool? {
        if reader.head == nil {
            switch reader.readHead() {
            case .needMore(let consumed):
                _ = reader.consume(consumed)
                return nil
            case .done(let consumed): _ = reader.consume(consumed)
            case .malformed(let rule):
                response.outcome = "malformed: \(rule)"
                return true
            }
            response.head = reader.head
        }
        let (consumed, stop) = reader.readBody { response.body.append($0) }
        _ = reader.consume(consumed)
        switch stop {
        case .needMore: return nil
        case .end: response.outcome = "end"
        case .malformed(let rule):
            response.outcome = "malformed: \(rule)"
            return true
        }
        return false
    }

    /// Compares a head with what a simple reader finds.
    private static func compareWithReference(_ input: ArraySlice<UInt8>, _ first: Response?) throws(Finding) {
        guard let head = first?.head else { return }
        var lines: [String] = []
        var status = 0
        var rest = input
        repeat {  // interim responses come before it
            (lines, rest) = try Self.lines(rest)
            status = Int(lines[0].dropFirst(9).prefix(3)) ?? 0
        } while status < 200
        try require(head.status == status, "status \(head.status) instead of \(status)")
        var fields: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Finding("a field without a colon is accepted") }
            let value = line[line.index(after: colon)...].trimmed.lowercased()
            fields.append((line[..<colon].lowercased(), value))
        }
        func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
        let lengths = values("content-length")
        let encodings = values("transfer-encoding")
        try require(lengths.count + encodings.count <= 1, "more than one framing is accepted")
        let framing: ResponseHead.Framing
        if status == 204 || status == 304 {
            framing = .none
        } else if let length = lengths.first {
            guard let count = Int(length) else { throw Finding("the length \(length) is accepted") }
            framing = .length(count)
        } else {
            framing = encodings.isEmpty ? .untilClose : .chunked
        }
        try require(encodings.allSatisfy { $0 == "chunked" }, "another coding than chunked is accepted")
        try require(head.framing == framing, "\(head.framing) instead of \(framing)")
        let options = values("connection").flatMap { $0.split(separator: ",") }.map(\.trimmed)
        let isHTTP10 = lines[0].hasPrefix("HTTP/1.0")
        let keepAlive =
            framing != .untilClose && !options.contains("close") && (!isHTTP10 || options.contains("keep-alive"))
        try require(head.keepAlive == keepAlive, "keep-alive is \(head.keepAlive)")
    }

    /// The lines of the head at the start of `bytes`, and what follows it.
    private static func lines(_ bytes: ArraySlice<UInt8>) throws(Finding) -> ([String], ArraySlice<UInt8>) {
        var lines: [String] = []
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\r")), rest.dropFirst(end - rest.startIndex + 1).first == 0x0A
        {
            let line = rest[..<end]
            rest = rest[(end + 2)...]
            if line.isEmpty { return (lines, rest) }
            // As Latin-1: then no byte is combined with another one into a character.
            lines.append(String(String.UnicodeScalarView(line.map { Unicode.Scalar($0) })))
        }
        throw Finding("a head without its end is accepted")
    }
}

extension StringProtocol {
    /// The text without the spaces and tabs around it.
    fileprivate var trimmed: String {
        let isNoise: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(drop(while: isNoise).reversed().drop(while: isNoise).reversed())
    }
}
