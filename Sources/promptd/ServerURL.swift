import ArgumentParser
import FoundationEssentials

/// The URL of a server, as a user writes it: `http://HOST[:PORT][/PATH][?QUERY]`.
struct ServerURL: Sendable, Equatable {
    /// The server's name or numeric address, without brackets.
    let host: String
    let port: UInt16
    /// The percent-encoded path; empty for `/`.
    let path: String
    /// The percent-encoded query with its question mark; empty if there is none.
    let query: String

    /// - Parameter how: how to write a URL, for the error message.
    /// - Throws: `ValidationError` that says how to write a URL.
    init(_ text: String, how: String) throws {
        guard let url = URL(string: text), url.scheme == "http", let host = url.host(), !host.isEmpty,
            let port = UInt16(exactly: url.port ?? 80)
        else { throw ValidationError("'\(text)' is not the URL of a server: give \(how).") }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        let path = url.path(percentEncoded: true)
        self.path = path == "/" ? "" : path
        query = url.query(percentEncoded: true).map { "?" + $0 } ?? ""
    }

    /// Approximately the URL as the user wrote it.
    var text: String { "http://\(authority)\(path)\(query)" }

    /// The value of the Host field.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
