import ArgumentParser
import EventLoop

/// An address to listen on, written as `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for every address of both families.
struct ListenAddress: Equatable {
    let host: String
    let port: UInt16
    /// Whether this address is a default, not set by the user. For a default address, a missing address family is not
    /// an error.
    var isDefault = false

    init(host: String, port: UInt16, isDefault: Bool = false) {
        self.host = host
        self.port = port
        self.isDefault = isDefault
    }

    var isIPv4Wildcard: Bool { host == "0.0.0.0" }
    var isIPv6Wildcard: Bool { host == "::" }

    /// Whether only this machine can connect.
    var isLoopback: Bool { host == "::1" || host == "localhost" || host.hasPrefix("127.") }

    /// The wildcard addresses of both families.
    static func everywhere(port: UInt16, isDefault: Bool = true) -> [Self] {
        [Self(host: "::", port: port, isDefault: isDefault), Self(host: "0.0.0.0", port: port, isDefault: isDefault)]
    }

    /// Parses a list with commas.
    ///
    /// - Throws: `ValidationError` that says how to write an address.
    static func list(_ text: String) throws -> [Self] {
        let addresses = try text.split(separator: ",").flatMap { item in
            try parse(item.filter { $0 != " " })
        }
        guard !addresses.isEmpty else { throw ValidationError(mistake(text)) }
        return addresses
    }

    private static func parse(_ text: String) throws -> [Self] {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw ValidationError(mistake(text))
        }
        var host = String(text[..<colon])
        if host.isEmpty { return everywhere(port: port) }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw ValidationError(mistake(text))
        }
        return [Self(host: host, port: port)]
    }

    private static func mistake(_ text: String) -> String {
        "'\(text)' is not an address to listen on: give --listen HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080."
    }

    /// Whether this address must leave IPv4 to another address in `all`.
    func isIPv6Only(among all: [Self]) -> Bool {
        isIPv6Wildcard && all.contains { $0.isIPv4Wildcard && $0.port == port }
    }
}
