/// A response's status code and its phrase. Source: RFC 9110, section 15.
public struct Status: Sendable, Equatable {
    /// From 200 to 599.
    public let code: Int
    let phrase: StaticString

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    /// - Parameters:
    ///   - code: from 200 to 599; other codes are not final responses.
    ///   - phrase: the words after the code, which clients ignore.
    public init(_ code: Int, _ phrase: StaticString) {
        precondition((200...599).contains(code), "A response's status is from 200 to 599.")
        self.code = code
        self.phrase = phrase
    }

    /// The status of another server's response. Its phrase is left out, as in HTTP/2, if it is none of those below.
    package init(passingOn code: Int) {
        self = Self.named.first { $0.code == code } ?? Self(code, "")
    }

    private static let named = [
        ok, noContent, badRequest, unauthorized, forbidden, notFound, methodNotAllowed, notAcceptable, requestTimeout,
        contentTooLarge, unsupportedMediaType, expectationFailed, tooManyRequests, uriTooLong, headerFieldsTooLarge,
        internalServerError, notImplemented, badGateway, serviceUnavailable, gatewayTimeout, versionNotSupported,
    ]

    public static let ok = Self(200, "OK")
    /// Sent without a Content-Type and a body. Source: RFC 9110, 15.3.5.
    public static let noContent = Self(204, "No Content")
    public static let badRequest = Self(400, "Bad Request")
    public static let unauthorized = Self(401, "Unauthorized")
    public static let forbidden = Self(403, "Forbidden")
    public static let notFound = Self(404, "Not Found")
    public static let methodNotAllowed = Self(405, "Method Not Allowed")
    public static let notAcceptable = Self(406, "Not Acceptable")
    public static let requestTimeout = Self(408, "Request Timeout")
    public static let contentTooLarge = Self(413, "Content Too Large")
    public static let unsupportedMediaType = Self(415, "Unsupported Media Type")
    public static let expectationFailed = Self(417, "Expectation Failed")
    public static let tooManyRequests = Self(429, "Too Many Requests")
    package static let uriTooLong = Self(414, "URI Too Long")
    public static let headerFieldsTooLarge = Self(431, "Request Header Fields Too Large")
    public static let internalServerError = Self(500, "Internal Server Error")
    package static let notImplemented = Self(501, "Not Implemented")
    public static let badGateway = Self(502, "Bad Gateway")
    public static let serviceUnavailable = Self(503, "Service Unavailable")
    public static let gatewayTimeout = Self(504, "Gateway Timeout")
    public static let versionNotSupported = Self(505, "HTTP Version Not Supported")
}
