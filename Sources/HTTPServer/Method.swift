/// The methods that the server accepts.
public enum Method: Sendable {
    case get, head, post
}
