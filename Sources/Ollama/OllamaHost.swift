/// Where an Ollama is: what `OLLAMA_HOST` says, read as Ollama's own programs read it.
///
/// Where those differ, what a client can connect to wins: an empty or unspecified host is loopback, a port out of range is the
/// default. Source: `envconfig/config.go` and the Python client's `_parse_host`.
public struct OllamaHost: Equatable, Sendable {
    public enum Scheme: String, Sendable {
        case http, https
    }

    public var scheme: Scheme
    /// A name or a numeric address, without brackets.
    public var host: String
    public var port: UInt16
    /// Empty, or a path that begins with `/` and does not end with one.
    public var path: String

    private var bracketed: String { host.contains(":") ? "[\(host)]" : host }

    /// As a URL.
    public var url: String { "\(scheme.rawValue)://\(bracketed):\(port)\(path)" }

    /// The Host field for it.
    public var hostHeader: String { "\(bracketed):\(port)" }

    private static let defaultPort: UInt16 = 11434

    /// Reads a value of `OLLAMA_HOST`; `nil` is as good as an empty one.
    ///
    /// - Returns: the host, and a sentence about what was odd, if anything was.
    /// - Throws: `OllamaHostError` when nobody could connect to it.
    public static func parse(_ value: String?) throws(OllamaHostError) -> (OllamaHost, warning: String?) {
        let text = unquoted(value ?? "")
        var rest = Substring(text)
        var scheme = Scheme.http
        var standardPort = defaultPort
        if let range = text.firstRange(of: "://") {
            guard let named = Scheme(rawValue: text[..<range.lowerBound].lowercased()) else {
                throw OllamaHostError(value: text, fix: "begin it with http:// or https://")
            }
            scheme = named
            standardPort = named == .http ? 80 : 443
            rest = text[range.upperBound...]
        } else if text == "ollama.com" {  // as Ollama's command does
            scheme = .https
            standardPort = 443
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var path = String(rest[slash...])
        while path.hasSuffix("/") { path.removeLast() }
        let authority = rest[..<slash]
        try check(authority, path, of: text)
        let (host, portText) = split(authority)
        let port = portText.isEmpty ? standardPort : UInt16(portText).flatMap { $0 == 0 ? nil : $0 }
        let warning = port == nil ? "the port in OLLAMA_HOST is '\(portText)': using \(standardPort)" : nil
        return (OllamaHost(scheme: scheme, host: connectable(host), port: port ?? standardPort, path: path), warning)
    }

    /// Without the spaces and quotes around it.
    private static func unquoted(_ text: String) -> String {
        let isNoise: (Character) -> Bool = { $0.isWhitespace || $0 == "\"" || $0 == "'" }
        guard let first = text.firstIndex(where: { !isNoise($0) }), let last = text.lastIndex(where: { !isNoise($0) })
        else { return "" }
        return String(text[first...last])
    }

    private static func check(_ authority: Substring, _ path: String, of text: String) throws(OllamaHostError) {
        if authority.contains("@") { throw OllamaHostError(value: text, fix: "leave the user name out") }
        if text.contains(where: { $0 == "?" || $0 == "#" }) {
            throw OllamaHostError(value: text, fix: "leave the query and fragment out")
        }
        let isUsable = text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        if !isUsable { throw OllamaHostError(value: text, fix: "leave spaces and control characters out") }
        if authority.contains("["), !authority.hasPrefix("[") || !authority.contains("]") {
            throw OllamaHostError(value: text, fix: "write an IPv6 address as [::1]:11434")
        }
    }

    /// Host and port of `host:port`, `[v6]:port`, a bare IPv6 address, or a bare port.
    private static func split(_ authority: Substring) -> (host: Substring, port: Substring) {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            let after = authority[authority.index(after: end)...]
            return (authority[..<end].dropFirst(), after.hasPrefix(":") ? after.dropFirst() : after)
        }
        let colons = authority.count { $0 == ":" }
        if colons > 1 { return (authority, "") }
        if colons == 0, !authority.isEmpty, authority.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
            return ("", authority)
        }
        guard let colon = authority.firstIndex(of: ":") else { return (authority, "") }
        return (authority[..<colon], authority[authority.index(after: colon)...])
    }

    /// A host that connect(2) can use: the unspecified addresses are for listening.
    private static func connectable(_ host: Substring) -> String {
        switch host {
        case "", "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: host.lowercased()
        }
    }
}

/// Why a value of `OLLAMA_HOST` cannot be used, and what to do.
public struct OllamaHostError: Error, Equatable, CustomStringConvertible {
    public let value: String
    public let fix: String

    public var description: String { "OLLAMA_HOST is '\(value)', which is no address: \(fix)." }
}
