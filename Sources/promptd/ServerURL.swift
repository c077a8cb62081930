import ArgumentParser
import FoundationEssentials
import EventLoop
import HTTPClient

/// The URL of a server, as a user writes it: `http://HOST[:PORT][/PATH][?QUERY]`, or with `https://`.
struct ServerURL: Sendable {
    /// What TLS trusts; `nil` if the URL does not begin with https://.
    let tls: TLSClientContext?
    /// The server's name or numeric address, without brackets.
    let host: String
    let port: UInt16
    /// The percent-encoded path; empty for `/`.
    let path: String
    /// The percent-encoded query with its question mark; empty if there is none.
    let query: String

    /// Reads the file of certificates that PROMPTD_CA_FILE names, if the URL begins with https://.
    ///
    /// - Parameter how: how to write a URL, for the error message.
    /// - Throws: `ValidationError` that says how to write a URL, or what is wrong with the file of certificates.
    init(_ text: String, how: String) throws {
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host(), !host.isEmpty,
            let port = UInt16(exactly: url.port ?? (scheme == "https" ? 443 : 80))
        else { throw ValidationError("'\(text)' is not the URL of a server: give \(how).") }
        // Processes and logs show a URL to others.
        guard url.user == nil, url.password == nil else {
            throw ValidationError("The URL of a server has no user name and no password here: give \(how).")
        }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        do throws(TLSMistake) {
            tls = scheme == "https" ? try Self.context() : nil
        } catch {
            throw ValidationError(
                "For https://, \(error): see PROMPTD_CA_FILE, PROMPTD_CLIENT_CERT and PROMPTD_CLIENT_KEY.")
        }
        let path = url.path(percentEncoded: true)
        self.path = path == "/" ? "" : path
        query = url.query(percentEncoded: true).map { "?" + $0 } ?? ""
    }

    /// What TLS trusts, and who the client is, as the variables say that `serve` has for its backends.
    private static func context() throws(TLSMistake) -> TLSClientContext {
        var identity: TLSClientContext.Identity?
        if let certificate = Environment.text("PROMPTD_CLIENT_CERT"), let key = Environment.text("PROMPTD_CLIENT_KEY") {
            identity = .init(certificateFile: certificate, keyFile: key)
        }
        return try TLSClientContext(caFile: Environment.text("PROMPTD_CA_FILE"), identity: identity)
    }

    /// Approximately the URL as the user wrote it.
    var text: String { "\(root)\(path)\(query)" }

    /// The URL without path and query.
    var root: String { "\(tls == nil ? "http" : "https")://\(authority)" }

    /// The value of the Host field.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
