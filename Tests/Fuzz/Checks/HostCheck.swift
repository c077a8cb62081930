@testable import Ollama

/// Reads the bytes as a value of `OLLAMA_HOST`.
enum HostCheck {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let (host, _) = try? OllamaHost.parse(text) else {
            try require((try? OllamaHost.parse(" \"\(text)' ")) == nil, "rejected, but accepted within quotes")
            return
        }
        try check(host)
        let (quoted, _) = try reading(" \"\(text)' ")
        try require(quoted == host, "another host within quotes: \(quoted.url) instead of \(host.url)")
        let (again, warning) = try reading(host.url)
        try require(again == host, "\(host.url) is read as \(again.url)")
        try require(warning == nil, "its own URL \(host.url) has a warning")
    }

    private static func reading(_ text: String) throws(Finding) -> (OllamaHost, warning: String?) {
        do throws(OllamaHostError) {
            return try OllamaHost.parse(text)
        } catch {
            throw Finding("rejected, though it is an accepted value in another form: \(text): \(error)")
        }
    }

    /// Checks what is promised of each host.
    private static func check(_ host: OllamaHost) throws(Finding) {
        try require(host.port > 0, "port 0")
        try require(!host.host.isEmpty, "no host")
        let isPath = host.path.isEmpty || (host.path.hasPrefix("/") && !host.path.hasSuffix("/"))
        try require(isPath, "the path \(host.path)")
        for text in [host.host, host.path, host.url, host.hostHeader] {
            let isSafe = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
            try require(isSafe, "characters that no request line may have: \(text.debugDescription)")
        }
        let isIPv6 = host.host.contains(":")
        try require(isIPv6 == host.hostHeader.hasPrefix("["), "brackets: \(host.hostHeader)")
        try require(!host.host.contains("@") && !host.host.contains("/"), "no host: \(host.host)")
        try require(!host.hostHeader.contains("%"), "a zone in the Host field: \(host.hostHeader)")
    }
}
