internal import JSON
internal import HTTPServer

/// Decides which web pages may send prompts, and tells browsers. Source: WHATWG Fetch, 3.3, "CORS protocol"; RFC 6454.
///
/// A page that is open in a browser can send requests to every address that the browser reaches, so also to a promptd that
/// listens on a loopback address. Clients other than browsers send no Origin field, and are not affected.
package struct OriginPolicy: Sendable, Equatable {
    /// Origins such as `https://example.com`, in lower case; `*` stands for any text.
    private let origins: [[Substring]]
    /// Whether the server listens on loopback addresses only. Then the request's host must be one: another name may
    /// stand for a loopback address, at the wish of the page's owner ("DNS rebinding").
    private let isLocal: Bool
    /// Without it, nothing is checked.
    private let isOn: Bool

    /// Any page may send prompts, and no browser is told that it may read the answers.
    package static let unchecked = Self(origins: [], isLocal: false, isOn: false)

    private init(origins: [[Substring]], isLocal: Bool, isOn: Bool) {
        (self.origins, self.isLocal, self.isOn) = (origins, isLocal, isOn)
    }

    /// - Parameters:
    ///   - origins: a comma list; `*` stands for any text. Pages from this machine may send prompts anyway.
    ///   - isLocal: whether the server listens on loopback addresses only.
    /// - Throws: `ProtectionError` about the entry that is wrong.
    package init(_ origins: String, isLocal: Bool) throws(ProtectionError) {
        var patterns: [[Substring]] = []
        for entry in CommaList.entries(origins) {
            guard Self.isPattern(entry) else { throw .origin(String(entry)) }
            patterns.append(Substring(entry.lowercased()).split(separator: "*", omittingEmptySubsequences: false))
        }
        // With "*", all pages may, and so may those that call this machine by another name.
        let allowsAll = patterns.contains(["", ""])
        self.init(origins: patterns, isLocal: isLocal && !allowsAll, isOn: isLocal || !patterns.isEmpty)
    }

    /// `*`, or a scheme, `://` and a host, perhaps with a port, but no path.
    private static func isPattern(_ text: Substring) -> Bool {
        if text == "*" || text == "null" { return true }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let mark = text.firstRange(of: "://") else {
            return false
        }
        let host = text[mark.upperBound...]
        return mark.lowerBound > text.startIndex && !host.isEmpty && !host.contains("/")
    }

    // MARK: Requests

    /// - Parameter knownHost: the host of the last request that was taken: nearly all requests have the same.
    /// - Throws: `PromptFailure.forbidden` if the page behind the request may not send it.
    func check(_ request: borrowing RequestHead, knownHost: inout String) throws(PromptFailure) {
        guard isOn else { return }
        let host = request.field("Host") ?? ""
        if host != knownHost {
            guard takes(host: host) else {
                throw .forbidden(
                    "Send the request to localhost: '\(host.cut(to: 100))' is not a name of the machine itself.")
            }
            knownHost = host
        }
        guard let origin = request.field("Origin"), !allows(origin, host: host) else { return }
        throw .forbidden("Pages of '\(origin.cut(to: 100))' may not send prompts here.")
    }

    /// The fields that let the page behind the request read the reply.
    func fields(for request: borrowing RequestHead) -> [HeaderField] {
        guard isOn, let origin = request.field("Origin") else { return [] }
        let host = request.field("Host") ?? ""
        guard takes(host: host), allows(origin, host: host),
            let allowed = HeaderField("Access-Control-Allow-Origin", origin)
        else { return [] }
        return [allowed] + Self.always
    }

    /// Besides the names of this machine, the hosts of pages that may send prompts: a proxy may pass their names on.
    private func takes(host: String) -> Bool {
        guard isLocal, !Self.isLocal(host) else { return true }
        let host = host.lowercased()
        return origins.contains { Self.matches("https://" + host, $0) || Self.matches("http://" + host, $0) }
    }

    private static let always = [
        HeaderField(
            "Access-Control-Expose-Headers", "RateLimit, RateLimit-Policy, Retry-After, X-Promptd-Model, X-Request-Id")!,
        HeaderField("Vary", "Origin")!,
    ]

    /// The answer to the question whether a page may send a request; `nil` if the request is no such question, or the
    /// page may not. Source: Private Network Access, 3.2.
    func preflight(_ request: borrowing RequestHead) -> [HeaderField]? {
        guard isOn, request.field("Access-Control-Request-Method") != nil else { return nil }
        let fields = fields(for: request)
        guard !fields.isEmpty else { return nil }
        let wanted = request.list("Access-Control-Request-Headers")
        let isPrivate = request.field("Access-Control-Request-Private-Network") == "true"
        return fields
            + [
                HeaderField("Access-Control-Allow-Methods", "GET, HEAD, POST"),
                wanted.flatMap { HeaderField("Access-Control-Allow-Headers", $0) },
                HeaderField("Access-Control-Max-Age", "600"),
                isPrivate ? HeaderField("Access-Control-Allow-Private-Network", "true") : nil,
            ].compactMap { $0 }
    }

    private func allows(_ origin: String, host: String) -> Bool {
        let origin = origin.lowercased()
        // A page that this server, or a proxy before it, has served itself.
        if let mark = origin.firstRange(of: "://"), origin[mark.upperBound...] == host.lowercased() { return true }
        return Self.isFromHere(origin) || origins.contains { Self.matches(origin, $0) }
    }

    /// Whether a page comes from this machine: from a server on a loopback address, or from a program such as an editor.
    /// Source: Ollama's envconfig, AllowedOrigins.
    private static func isFromHere(_ origin: String) -> Bool {
        for scheme in ["app://", "file://", "tauri://", "vscode-webview://", "vscode-file://"]
        where origin.hasPrefix(scheme) { return true }
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            let host = hostName(origin.dropFirst(scheme.count))
            if let address = IPAddress(host) { return address.isLoopback || host == "0.0.0.0" }
            return host == "localhost" || host.hasSuffix(".localhost")
        }
        return false
    }

    /// A host without its port, and without the brackets of an IPv6 address. Empty if it has no end.
    private static func hostName(_ host: Substring) -> Substring {
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return "" }
            return host[host.index(after: host.startIndex)..<end]
        }
        return host.firstIndex(of: ":").map { host[..<$0] } ?? host
    }

    /// Whether `host`, perhaps with a port, can only be this machine or one near it: nobody outside can give a name to
    /// one of its addresses that has no dot, or is for local use. Source: RFC 6761, 6.3; RFC 6762, 3; Ollama's
    /// allowedHost.
    package static func isLocal(_ host: String) -> Bool {
        let host = host.lowercased()[...]
        let name = hostName(host)
        if name.isEmpty && !host.isEmpty { return false }
        if let address = IPAddress(name) { return address.isLoopback }
        guard name.utf8.contains(UInt8(ascii: ".")) else { return !name.utf8.contains(UInt8(ascii: ":")) }
        return [".localhost", ".local", ".internal"].contains { name.hasSuffix($0) }
    }

    /// Whether the text begins with the first part, ends with the last, and has the others in between in their order.
    private static func matches(_ text: String, _ parts: [Substring]) -> Bool {
        guard parts.count > 1 else { return text[...] == parts.first }
        guard text.hasPrefix(parts[0]), text.dropFirst(parts[0].count).hasSuffix(parts[parts.count - 1]) else {
            return false
        }
        var rest = text.dropFirst(parts[0].count).dropLast(parts[parts.count - 1].count)
        for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return true
    }
}
