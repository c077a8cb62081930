/// The methods that a service gets. The server answers OPTIONS itself, and rejects all others.
public enum Method: Sendable {
    case get, head, post
    /// Only if `Limits.acceptsDelete` is set; handled like a POST.
    case delete
}
