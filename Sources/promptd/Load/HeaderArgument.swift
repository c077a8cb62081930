import ArgumentParser
import HTTPClient
import HTTPServer

/// A header field in command-line syntax: `Name: value`.
struct HeaderArgument: ExpressibleByArgument, Sendable {
    let name: String
    let value: String

    /// The fields that the load generator sends itself.
    private static let reserved: Set<String> = [
        "accept", "connection", "content-length", "content-type", "expect", "host", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// Source: RFC 9110, 5.1 and 5.5.
    init?(argument: String) {
        guard let colon = argument.firstIndex(of: ":") else { return nil }
        name = String(argument[..<colon])
        value = String(argument[argument.index(after: colon)...].drop { $0 == " " })
        guard HeaderField.isName(name), !Self.reserved.contains(name.lowercased()),
            RequestTemplate.canSend(value)
        else { return nil }
    }
}
