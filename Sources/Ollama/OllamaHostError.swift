/// Why a value of `OLLAMA_HOST` is not a valid address. The description says how to correct it.
///
/// The description does not repeat the value: it may contain a password, which must not appear in the log.
public enum OllamaHostError: Error, Equatable, CustomStringConvertible {
    /// The scheme is neither http nor https, or its slashes are missing.
    case scheme
    /// The URL names a user.
    case userInfo
    /// The URL has a query or a fragment.
    case queryOrFragment
    /// The value has spaces, quotes, control characters or non-ASCII characters inside it.
    case characters
    /// The host has characters that are not allowed in a host name.
    case name
    /// The IPv6 address is malformed.
    case address

    public var description: String { sentence(naming: "OLLAMA_HOST", key: "OLLAMA_API_KEY") }

    /// The description of the value of another variable.
    ///
    /// - Parameter key: the variable for the server's key.
    package func sentence(naming variable: String, key: String) -> String {
        switch self {
        case .scheme:
            "\(variable) has no valid scheme: begin it with http:// or https://."
        case .userInfo:
            "\(variable) contains a user name: remove everything up to the @, and set \(key) if the server needs a key."
        case .queryOrFragment:
            "\(variable) has a query or a fragment: remove everything from the ? or # on."
        case .characters:
            "\(variable) has spaces, quotes, control characters or non-ASCII letters: remove them, or encode them"
                + " (xn-- in a host name, %20 in a path)."
        case .name:
            "\(variable) has characters that a host name cannot have: write it like example.com:11434."
        case .address:
            "\(variable) has a malformed address or more than one port: write an IPv6 address with its port like [::1]:11434."
        }
    }
}
