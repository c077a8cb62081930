/// A content coding of a request's body. Source: RFC 9110, 8.4.1; RFC 8878 for zstd.
package enum ContentCoding: String, Sendable, CaseIterable {
    case gzip, deflate, zstd

    /// Finds the coding that is named in a Content-Encoding field, in any case. `nil`: not understood.
    package init?(name: String) {
        let name = name.lowercased()
        self.init(rawValue: name == "x-gzip" ? "gzip" : name)
    }

    /// The names of those that are understood, as an Accept-Encoding field has them. Source: RFC 9110, 12.5.3.
    package static let accepted = allCases.map(\.rawValue).joined(separator: ", ") + ", identity"

    /// Why a body cannot be decoded.
    package enum Failure: Error, Equatable {
        /// The bytes are not of this coding, or end too early.
        case malformed
        /// The decoded body is longer than the limit.
        case tooLong
    }

    /// Bytes that any body may have when it is decoded, however short it is.
    private static let freeBytes = 512 * 1024
    /// How many times longer than the body it may be beyond that. Text has a ratio of ten or so; what is compressed much
    /// more is meant to keep the server busy. Source: Apache's mod_deflate, DeflateInflateRatioLimit.
    private static let maximumRatio = 200

    /// Maximum bytes that a body of `count` bytes may have when it is decoded.
    package static func limit(of count: Int, atMost limit: Int) -> Int {
        min(limit, freeBytes + count.multipliedReportingOverflow(by: maximumRatio).partialValue)
    }

    /// Decodes a body. Usable on any thread. The time depends on the size of the result, so call it on Dispatch.
    ///
    /// - Parameter limit: maximum bytes of the result.
    package func decode(_ body: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        switch self {
        case .gzip: return try Inflater.inflate(body, .gzip, limit: limit)
        case .deflate:
            // Some clients send the bare format, because the name is misleading. Source: RFC 9110, 8.4.1.2.
            if let decoded = try Inflater.inflate(ifBegun: body, .zlib, limit: limit) { return decoded }
            return try Inflater.inflate(body, .bare, limit: limit)
        case .zstd: return try ZstdDecoder.decode(body, limit: limit)
        }
    }
}
