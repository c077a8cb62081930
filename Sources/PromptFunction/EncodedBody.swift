internal import ContentCodings
internal import HTTPServer

/// The content coding of a request's body. Source: RFC 9110, 8.4 and 15.5.16.
struct BodyCoding {
    /// `nil` if the body is as it is.
    let coding: ContentCoding?

    /// - Throws: `PromptFailure.encodedBody` if the coding is not understood, or there are several.
    init(of request: borrowing RequestHead) throws(PromptFailure) {
        guard let field = request.list("Content-Encoding") else {
            coding = nil
            return
        }
        let names = CommaList.entries(field).filter { $0.lowercased() != "identity" }
        guard let name = names.first else {
            coding = nil
            return
        }
        guard names.count == 1, let coding = ContentCoding(name: String(name)) else { throw .encodedBody(field) }
        self.coding = coding
    }
}

/// A request's body as it came.
struct EncodedBody: Sendable {
    private let body: RequestBody
    private let coding: ContentCoding?
    /// Maximum bytes after it was decoded.
    private let limit: Int

    init(_ body: RequestBody, _ coding: ContentCoding?, limit: Int) {
        self.body = body
        self.coding = coding
        self.limit = coding == nil ? 0 : ContentCoding.limit(of: body.count, atMost: limit)
    }

    /// How much work it is to read the body, in bytes: see `WorkQueue`.
    var weight: Int { coding == nil ? body.count : limit }

    /// The body's bytes. Call it on Dispatch.
    ///
    /// - Throws: `PromptFailure` if they are not of the coding, or too many.
    func decoded() throws(PromptFailure) -> [UInt8] {
        let bytes = body.copy()
        guard let coding else { return bytes }
        do throws(ContentCoding.Failure) {
            return try coding.decode(bytes, limit: limit)
        } catch {
            switch error {
            case .malformed:
                throw .badRequest(
                    "Send a body in the coding that Content-Encoding names: this is not \(coding), or it is damaged.")
            case .tooLong: throw .decodedTooLong(limit: limit)
            }
        }
    }
}
