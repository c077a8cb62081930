/// Why a value of `OLLAMA_HOST` is no address, with a description that says what to do.
///
/// The value itself is not repeated: it may hold a password, and the log is no place for that.
public enum OllamaHostError: Error, Equatable, CustomStringConvertible {
    /// The scheme is neither http nor https, or its slashes are missing.
    case scheme
    /// The URL names a user.
    case userInfo
    /// The URL has a query or a fragment.
    case queryOrFragment
    /// There are spaces, quotes, control characters or letters outside ASCII, in the middle.
    case characters
    /// The host has characters that no host name has.
    case name
    /// What should be an IPv6 address is none.
    case address

    public var description: String {
        switch self {
        case .scheme:
            "OLLAMA_HOST has a scheme that Ollama does not speak: begin it with http:// or https://."
        case .userInfo:
            "OLLAMA_HOST names a user: leave out all up to the @, and set OLLAMA_API_KEY if Ollama wants a key."
        case .queryOrFragment:
            "OLLAMA_HOST has a query or a fragment: leave out all from the ? or # on."
        case .characters:
            "OLLAMA_HOST has spaces, quotes, control characters or letters outside ASCII: leave them out, or encode them"
                + " (xn-- in a host name, %20 in a path)."
        case .name:
            "OLLAMA_HOST has characters that no host name has: write it like example.com:11434."
        case .address:
            "OLLAMA_HOST has a malformed address or more than one port: write an IPv6 address with its port like [::1]:11434."
        }
    }
}
