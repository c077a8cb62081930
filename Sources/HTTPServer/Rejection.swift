internal import CLibevent

/// The response to a request that the shim rejected. The HTTP status for each reason is chosen here.
struct Rejection {
    let status: Status
    /// Tells the client what to do.
    let sentence: String
    let retryAfter: Int?
    /// For the Allow field.
    let allow: StaticString?
    /// For the log.
    let cause: String

    /// - Parameter methods: those that the resource has.
    init(_ reason: shim_reject, limits: Limits, isDraining: Bool, methods: @autoclosure () -> StaticString) {
        switch reason {
        case .SHIM_REJECT_METHOD:
            let methods = methods()
            self.init(
                .methodNotAllowed, Response.sentence(about: methods), cause: "method not allowed", allow: methods)
            return
        case .SHIM_REJECT_VERSION:
            self.init(.versionNotSupported, "Use HTTP/1.1.", cause: "unsupported HTTP version")
        case .SHIM_REJECT_CODING:
            self.init(.notImplemented, "Use no transfer coding but 'chunked'.", cause: "unknown transfer coding")
        case .SHIM_REJECT_EXPECTATION:
            self.init(
                .expectationFailed, "Send 'Expect: 100-continue' or no Expect field.", cause: "unknown expectation")
        case .SHIM_REJECT_HEAD_TOO_LARGE:
            self.init(
                .headerFieldsTooLarge,
                "Send at most \(limits.headerBytes) bytes and 128 fields in the request's head.",
                cause: "head too large")
        case .SHIM_REJECT_TARGET_TOO_LONG:
            self.init(
                .uriTooLong, "Send a target that fits into a head of \(limits.headerBytes) bytes.",
                cause: "target too long")
        case .SHIM_REJECT_BODY_TOO_LARGE:
            self.init(.contentTooLarge, "Send a body of at most \(limits.bodyBytes) bytes.", cause: "body too large")
        case .SHIM_REJECT_BUFFERS_FULL:
            self.init(
                .serviceUnavailable, "Too much is being received at once: try again later.",
                cause: "what clients make the server hold exceeds \(limits.bufferedBytes) bytes", retryAfter: 1)
        case .SHIM_REJECT_TOO_MANY_CONNECTIONS:
            self.init(
                .serviceUnavailable, "Too many connections are open: try again later.",
                cause: "more than \(limits.connections) connections", retryAfter: 1)
        case .SHIM_REJECT_TOO_MANY_FROM_ADDRESS:
            self.init(
                .serviceUnavailable,
                "Too many connections from your address are open: close some, or reuse them.",
                cause: "more than \(limits.connectionsPerAddress) connections from one address", retryAfter: 1)
        case .SHIM_REJECT_TOO_SLOW where isDraining:
            self.init(
                .serviceUnavailable, "The server is stopping: try again later.",
                cause: "the rest of the request did not come before the stop", retryAfter: 1)
        case .SHIM_REJECT_TOO_SLOW:
            self.init(.requestTimeout, "Send the request faster.", cause: "request too slow")
        case .SHIM_REJECT_MALFORMED:
            self.init(.badRequest, "This is not a well-formed HTTP/1.1 request.", cause: "malformed request")
        }
    }

    private init(
        _ status: Status, _ sentence: String, cause: String, retryAfter: Int? = nil, allow: StaticString? = nil
    ) {
        self.status = status
        self.sentence = sentence
        self.retryAfter = retryAfter
        self.cause = cause
        self.allow = allow
    }
}
