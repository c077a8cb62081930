import ArgumentParser
import FoundationEssentials

/// Where a server is, as a user writes it: `http://HOST[:PORT][/PATH][?QUERY]`.
struct ServerURL: Sendable, Equatable {
    /// A name or a numeric address, without brackets.
    let host: String
    let port: UInt16
    /// Percent-encoded; empty for `/`.
    let path: String
    /// Percent-encoded, with its question mark; empty for none.
    let query: String

    /// - Parameter how: how to give one, for the message.
    /// - Throws: `ValidationError` that says how a URL is written.
    init(_ text: String, how: String) throws {
        guard let url = URL(string: text), url.scheme == "http", let host = url.host(), !host.isEmpty,
            let port = UInt16(exactly: url.port ?? 80)
        else { throw ValidationError("'\(text)' is no URL of a server: give \(how).") }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        let path = url.path(percentEncoded: true)
        self.path = path == "/" ? "" : path
        query = url.query(percentEncoded: true).map { "?" + $0 } ?? ""
    }

    /// As it was written, about.
    var text: String { "http://\(authority)\(path)\(query)" }

    /// For the Host field.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
