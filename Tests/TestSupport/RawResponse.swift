/// A response as it came over the wire: split, and checked for its framing, by code that promptd does not share.
package struct RawResponse: Sendable {
    package var version = ""
    package var status = 0
    package var phrase = ""
    package var fields: [(name: String, value: String)] = []
    package var body: [UInt8] = []
    /// Bytes of each chunk.
    package var chunks: [Int] = []
    /// Whether the body came to its end: by length, by last chunk, or by an orderly close.
    package var isWhole = true

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The values of the field `name`, joined; `nil` when there is none.
    package subscript(_ name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}

extension RawSocket {
    /// Receives one response, interim ones too.
    ///
    /// - Parameter toHead: whether it answers a HEAD, so that there is no body.
    package func response(toHead: Bool = false) throws -> RawResponse {
        var response = RawResponse()
        let lines = try receive(until: "\r\n\r\n").dropLast(2).splitLines()
        let parts = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let status = Int(parts[1]) else { throw Failure.malformed(lines[0]) }
        (response.version, response.status, response.phrase) = (String(parts[0]), status, String(parts[2]))
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed(line) }
            response.fields.append(
                (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " })))
        }
        if toHead || status < 200 || status == 204 || status == 304 { return response }
        if response["Transfer-Encoding"] == "chunked" {
            guard response["Content-Length"] == nil else { throw Failure.malformed("two framings") }
            try receiveChunks(into: &response)
        } else if let length = response["Content-Length"] {
            guard let length = Int(length) else { throw Failure.malformed("Content-Length: \(length)") }
            response.body = try receive(count: length)
        } else {
            let (bytes, ending) = try receiveUntilEnd()
            response.body = bytes
            response.isWhole = ending == .closed
        }
        return response
    }

    private func receiveChunks(into response: inout RawResponse) throws {
        while true {
            guard let line = try? receive(until: "\r\n").dropLast() else {
                response.isWhole = false
                return
            }
            guard let size = Int(line, radix: 16), !line.hasPrefix("+") else { throw Failure.malformed(String(line)) }
            guard let data = try? receive(count: size), try receive(until: "\r\n") == "\r\n" else {
                response.isWhole = false
                return
            }
            if size == 0 { return }
            response.body += data
            response.chunks.append(size)
        }
    }
}

extension StringProtocol {
    /// The parts between CRLFs: each CRLF is one `Character`.
    fileprivate func splitLines() -> [String] { split { $0 == "\r\n" }.map { String($0) } }
}
