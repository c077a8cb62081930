/// What goes wrong on demand: asked for by a model's name, `fault:NAME`.
package enum Fault: String, Sendable, CaseIterable {
    /// 404, as for a model that was not pulled.
    case missing
    /// 503, as when too many wait for a model to load.
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
    /// A whole response whose body is not JSON.
    case garbage
    /// Some tokens, then a line that is not JSON; garbage if not streamed.
    case garbling
    /// Some tokens, then nothing, until the client leaves; silence if not streamed.
    case stalling
    /// A line that does not end; silence if not streamed.
    case endless
    /// What comes is not HTTP.
    case noise
    /// Nothing comes, until the client leaves.
    case silence
    /// A right response, one byte at a time.
    case drip
    /// A right response, and the connection is closed behind it without a word.
    case stale
    /// An endless head.
    case flood

    init?(model: String) {
        guard model.hasPrefix("fault:") else { return nil }
        self.init(rawValue: String(model.dropFirst(6)))
    }
}
