/// How the end of a stream's body is marked. Source: RFC 9112, 6.
enum BodyFraming {
    case chunked
    /// By its length, which the head says.
    case length
    /// By the end of the connection, for HTTP/1.0.
    case close
}
