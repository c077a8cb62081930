/// The API keys of clients that may send requests: `Authorization: Bearer KEY` or `X-API-Key: KEY`.
package struct APIKeys: Sendable {
    private let keys: [[UInt8]]

    /// The number of keys.
    package var count: Int { keys.count }

    /// Reads one key per line; blank lines and those that begin with `#` are ignored.
    ///
    /// - Throws: `ProtectionError.noKeys`, since a file that is empty by mistake must not admit every client; or
    ///   `.key`.
    package init(lines text: String) throws(ProtectionError) {
        let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
        let bare = lines.enumerated().map { index, line in
            // Some editors begin a file with a byte order mark.
            let isMarked = index == 0 && line.starts(with: [0xEF, 0xBB, 0xBF])
            let line = CommaList.trimmed(Substring(isMarked ? line.dropFirst(3) : line))
            return line.utf8.first == UInt8(ascii: "#") ? "" : line
        }
        try self.init(entries: bare)
    }

    /// Reads keys separated by commas, as in an environment variable.
    ///
    /// - Throws: `ProtectionError.noKeys` or `.key`.
    package init(list: String) throws(ProtectionError) {
        try self.init(entries: CommaList.entries(list))
    }

    private init(entries: [Substring]) throws(ProtectionError) {
        var keys: [[UInt8]] = []
        for (index, entry) in entries.enumerated() where !entry.isEmpty {
            guard entry.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .key(number: index + 1) }
            keys.append(Array(entry.utf8))
        }
        guard !keys.isEmpty else { throw .noKeys }
        self.keys = keys
    }

    /// Returns the key that these fields offer.
    ///
    /// - Parameters:
    ///   - authorization: the Authorization field. If it has a bearer token, only this field counts. Source: RFC 6750,
    ///     2.1.
    ///   - apiKey: the X-API-Key field.
    static func offered(authorization: [UInt8]?, apiKey: [UInt8]?) -> ArraySlice<UInt8>? {
        authorization.flatMap(bearer) ?? apiKey.map { trimmed($0[...]) }
    }

    /// Returns what follows the word `Bearer` in upper or lower case; `nil` for another scheme. Source: RFC 9110, 11.1.
    private static func bearer(_ field: [UInt8]) -> ArraySlice<UInt8>? {
        let text = trimmed(field[...])
        let scheme = text.prefix(7)
        guard scheme.elementsEqual("bearer ".utf8, by: { $0 | 0x20 == $1 }) else { return nil }
        return trimmed(text[scheme.endIndex...])
    }

    private static func trimmed(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var field = field
        while let last = field.last, CommaList.isNoise(last) { field.removeLast() }
        return field.drop(while: CommaList.isNoise)
    }

    /// Whether `offered` is one of the keys. The time it takes does not depend on whether the key is right, or on what
    /// is wrong about it: each byte of each key is always compared.
    func admits(_ offered: ArraySlice<UInt8>) -> Bool {
        let offered = offered.isEmpty ? [0] : Array(offered)
        var isKnown = false
        for key in keys {
            var difference = key.count ^ offered.count
            var index = 0
            for byte in key {
                difference |= Int(byte ^ offered[index])
                index += 1
                if index == offered.count { index = 0 }
            }
            isKnown = (difference == 0) || isKnown
        }
        return isKnown
    }
}
