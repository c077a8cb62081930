package import HTTPClient

/// Where spans are sent, and which.
package struct TraceSettings: Sendable {
    /// A name or a numeric address, without brackets.
    package var host: String
    package var port: UInt16
    /// `nil`: without TLS.
    package var tls: TLSClientContext?
    /// The value of the Host field.
    package var authority: String
    /// The path of the receiver: `/v1/traces`, usually.
    package var path: String
    /// Further fields, such as a key. They have no control characters.
    package var fields: [(String, String)] = []
    /// The share of traces that are recorded, of those that begin here: 0 to 1.
    package var ratio = 1.0
    /// What the spans are said to come from.
    package var service = "promptd"
    package var version: String

    package init(
        host: String, port: UInt16, tls: TLSClientContext?, authority: String, path: String, version: String
    ) {
        (self.host, self.port, self.tls, self.authority) = (host, port, tls, authority)
        (self.path, self.version) = (path, version)
    }
}
