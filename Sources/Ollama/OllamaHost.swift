/// The address of an Ollama server, read from `OLLAMA_HOST` as Ollama's own programs read it.
///
/// Where those programs differ, this type chooses an address that a client can connect to: an empty or unspecified host
/// means loopback, and an invalid port means the default port. Source: `envconfig/config.go` of Ollama and
/// `_parse_host` of its Python client.
public struct OllamaHost: Equatable, Sendable {
    /// The protocol of the URL.
    public enum Scheme: String, Sendable {
        case http, https

        /// The default port of a URL with this scheme.
        public var standardPort: UInt16 { self == .http ? 80 : 443 }
    }

    /// The protocol; `http` when the value names none, except for Ollama's own service.
    public let scheme: Scheme
    /// A name in lower case or a numeric address, without brackets; an IPv6 address may have a zone, as in
    /// `fe80::1%eth0`.
    public let host: String
    /// Never 0.
    public let port: UInt16
    /// Empty, or a path that begins with `/` and does not end with one.
    public let path: String

    /// The port when the address has neither a port nor a scheme.
    public static let defaultPort: UInt16 = 11434

    /// Whether `host` is an IPv6 address.
    public var isIPv6Literal: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    /// The address as a URL, always with its port. Source: RFC 3986, 3; RFC 6874, 2 for a zone's percent sign.
    public var url: String {
        let name = isIPv6Literal ? "[\(host.replacing("%", with: "%25", maxReplacements: 1))]" : host
        return "\(scheme.rawValue)://\(name):\(port)\(path)"
    }

    /// The value of the Host field: without the scheme's standard port, and without a zone, which has no meaning on
    /// another machine. Source: RFC 9110, 7.2 and 4.2.3; RFC 6874, 4.
    public var hostHeader: String {
        let name = isIPv6Literal ? "[\(host.prefix { $0 != "%" })]" : host
        return port == scheme.standardPort ? name : "\(name):\(port)"
    }

    /// Reads a value of `OLLAMA_HOST`, without the warning that `parse` returns.
    ///
    /// - Throws: `OllamaHostError` when no client could connect to it.
    public init(parsing value: String?) throws(OllamaHostError) { self = try Self.parse(value).0 }

    init(scheme: Scheme, host: String, port: UInt16, path: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
    }

    /// The same host with another path.
    package func with(path: String) -> OllamaHost { OllamaHost(scheme: scheme, host: host, port: port, path: path) }

    /// Reads a value of `OLLAMA_HOST`; `nil` means the same as an empty value.
    ///
    /// - Returns: the host, and a warning if the port was invalid and was replaced.
    /// - Throws: `OllamaHostError` when no client could connect to it.
    public static func parse(_ value: String?) throws(OllamaHostError) -> (OllamaHost, warning: String?) {
        let text = unquoted(value ?? "")
        try checkCharacters(text)
        let (scheme, rest) = try split(scheme: text)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let (host, portText) = try split(authority: rest[..<slash])
        let defaultPort = defaultPort(scheme, host)
        let port = portText.isEmpty ? defaultPort : number(portText)
        var path = rest[slash...]
        while path.hasSuffix("/") { path.removeLast() }
        let parsed = OllamaHost(
            scheme: scheme ?? (host == cloud ? .https : .http), host: host, port: port ?? defaultPort,
            path: String(path))
        return (
            parsed,
            port == nil ? "The port '\(portText)' in OLLAMA_HOST is not valid: \(defaultPort) is used instead." : nil
        )
    }
}

extension OllamaHost {
    /// Ollama's own service, which uses https even when the value names no scheme.
    private static let cloud = "ollama.com"

    /// Removes the white space and quotes around the text, which shells and unit files often leave.
    private static func unquoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let isNoise: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace || $0 == "\"" || $0 == "'" }
        guard let first = scalars.firstIndex(where: { !isNoise($0) }),
            let last = scalars.lastIndex(where: { !isNoise($0) })
        else { return "" }
        return String(scalars[first...last])
    }

    /// Throws when the text has characters that are not allowed in a request line or a Host field.
    private static func checkCharacters(_ text: String) throws(OllamaHostError) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "?"), UInt8(ascii: "#"): throw .queryOrFragment
            case ...0x20, 0x7F..., UInt8(ascii: "\""), UInt8(ascii: "'"): throw .characters
            default: break
            }
        }
    }

    /// Splits `http://rest`. Without a scheme, the first part is `nil`.
    private static func split(scheme text: String) throws(OllamaHostError) -> (Scheme?, rest: Substring) {
        guard let separator = text.firstRange(of: "://") else {
            let lower = text.lowercased()
            // A slash is missing: no one means `http` as a host without a port.
            if lower.hasPrefix("http:/") || lower.hasPrefix("https:/") { throw .scheme }
            return (nil, text[...])
        }
        guard let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased()) else { throw .scheme }
        return (scheme, text[separator.upperBound...])
    }

    /// Splits host and port of `host:port`, `[v6]:port`, a bare IPv6 address, or a bare port.
    private static func split(authority: Substring) throws(OllamaHostError) -> (host: String, port: Substring) {
        if authority.contains("@") { throw .userInfo }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw .address }
            let after = authority[authority.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw .address }
            return (try address(authority[..<end].dropFirst()), after.dropFirst())
        }
        guard let colon = authority.firstIndex(of: ":") else {
            if !authority.isEmpty, isDigits(authority) { return (loopback, authority) }
            return (try name(authority), "")
        }
        let after = authority[authority.index(after: colon)...]
        if after.contains(":") { return (try address(authority), "") }
        return (try name(authority[..<colon]), after)
    }

    private static func defaultPort(_ scheme: Scheme?, _ host: String) -> UInt16 {
        if let scheme { return scheme.standardPort }
        return host == cloud ? Scheme.https.standardPort : defaultPort
    }

    /// Returns the port number; `nil` when no client can connect to such a port.
    private static func number(_ port: Substring) -> UInt16? {
        guard isDigits(port), let number = UInt16(port), number > 0 else { return nil }
        return number
    }

    private static func isDigits(_ text: Substring) -> Bool { text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }

    // MARK: Hosts that connect(2) can use

    private static let loopback = "127.0.0.1"

    /// A name or an IPv4 address. Source: RFC 1123, 2.1, and the underscores of container networks.
    private static func name(_ text: Substring) throws(OllamaHostError) -> String {
        if text.isEmpty || text == "0.0.0.0" { return loopback }
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard isName else { throw .name }
        return text.lowercased()
    }

    /// An IPv6 address; getaddrinfo(3) checks whether its groups are valid. Source: RFC 4291, 2.2; RFC 6874, 2.
    private static func address(_ text: Substring) throws(OllamaHostError) -> String {
        let groups = text.prefix { $0 != "%" }
        let zone = text[groups.endIndex...]  // with its percent sign
        let isAddress = groups.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x3A, 0x41...0x46, 0x61...0x66, UInt8(ascii: "."): true
            default: false
            }
        }
        let isZone = zone.utf8.count != 1 && !zone.contains { $0 == ":" || $0 == "[" || $0 == "]" }
        guard isAddress, isZone, groups.utf8.count(where: { $0 == UInt8(ascii: ":") }) >= 2 else { throw .address }
        if groups.utf8.allSatisfy({ $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ":") }) { return "::1" }
        // A URL writes the percent sign as %25.
        let isEncoded = zone.hasPrefix("%25") && zone.utf8.count > 3
        return groups.lowercased() + (isEncoded ? "%" + zone.dropFirst(3) : zone)
    }
}
