/// A failure that a client requests by the model name `fault:NAME`.
package enum Fault: String, Sendable, CaseIterable {
    /// 404, as for a model that was not pulled.
    case missing
    /// 503, as when too many requests wait for a model to load.
    case busy
    /// 500 with an error.
    case broken
    /// Some tokens, then an error line; 500 if not streamed.
    case failing
    /// The proper end of the response, but without `done`.
    case unfinished
    /// The connection ends in the middle of the body, by FIN.
    case cut
    /// The connection ends in the middle of the body, by RST.
    case reset
    /// The connection ends without a response.
    case close
    /// A complete response whose body is not JSON.
    case garbage
    /// Some tokens, then a line that is not JSON; garbage if not streamed.
    case garbling
    /// Some tokens, then nothing until the client leaves. Sends nothing at all if not streamed.
    case stalling
    /// A line that does not end. Sends nothing at all if not streamed.
    case endless
    /// Bytes that are not HTTP.
    case noise
    /// Nothing until the client leaves.
    case silence
    /// A correct response, one byte at a time.
    case drip
    /// A correct response, after which the connection is closed without an announcement.
    case stale
    /// An endless head.
    case flood

    init?(model: String) {
        guard model.hasPrefix("fault:") else { return nil }
        self.init(rawValue: String(model.dropFirst(6)))
    }
}
