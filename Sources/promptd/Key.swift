import ArgumentParser
import Digests

/// `promptd key`
struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a key for a tenant, and the hash of it for the file of --tenants.",
        discussion: """
            Give the key to the tenant, and keep the hash only: the key cannot be derived from it. With --of, print the hash of a \
            key that exists, which is read from standard input.
            """)

    @Flag(help: "Read a key from standard input instead of making one.")
    var of = false

    func run() throws {
        if of {
            guard let key = readLine(strippingNewline: true), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
                !key.isEmpty
            else {
                throw ValidationError("Write the key to standard input: one line of letters, digits and punctuation.")
            }
            return print(Self.hash(of: key))
        }
        let key = Self.make()
        print("key   \(key)")
        print("hash  \(Self.hash(of: key))")
    }

    /// As the file of tenants has it.
    static func hash(of key: String) -> String { "sha256:" + SHA256Digest(of: key).hexadecimal }

    /// 256 random bits, in letters and digits that are safe in any file, command line and header field.
    private static func make() -> String {
        let digits = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return "promptd-" + String((0..<43).map { _ in digits.randomElement()! })
    }
}
