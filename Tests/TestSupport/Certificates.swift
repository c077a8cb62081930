import Foundation

/// Certificates for tests, made by the installed openssl, in a folder that is removed with this object.
package final class Certificates: Sendable {
    private let folder: URL

    /// What is right or wrong about a server's certificate.
    package enum Kind: String, CaseIterable, Sendable {
        /// For localhost, 127.0.0.1 and ::1.
        case good
        case expired
        /// For another host.
        case other
        /// By itself, and not by the authority.
        case own
        /// A client's.
        case client
        /// An authority's, by the other one.
        case intermediate
        /// As good, but by that authority.
        case below
    }

    package init() async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let script = #"""
            set -e
            cd "$0"
            key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null ||
                openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }
            # signed NAME DAYS NAMES [AUTHORITY [MORE]]
            signed() {
                local authority=${4:-authority}
                key "$1"
                openssl req -new -key "$1.key" -subj "/CN=$1" -out request
                printf 'subjectAltName=%s\n%s\n' "$3" "${5:-}" >names
                openssl x509 -req -in request -CA "$authority.pem" -CAkey "$authority.key" -CAcreateserial -days "$2" \
                    -extfile names -out "$1.pem" 2>/dev/null
            }
            key authority
            openssl req -x509 -new -key authority.key -subj /CN=authority -days 2 -out authority.pem
            local=DNS:localhost,IP:127.0.0.1,IP:::1
            signed good 2 $local
            signed expired -1 $local
            signed other 2 DNS:other.example
            signed client 2 DNS:client
            signed intermediate 2 DNS:intermediate authority basicConstraints=critical,CA:TRUE
            signed below 2 $local intermediate
            key own
            openssl req -x509 -new -key own.key -subj /CN=localhost -addext "subjectAltName=$local" -days 2 -out own.pem
            """#
        let result = try await Command.run("/bin/sh", ["-c", script, folder.path])
        guard result.status == 0 else { throw TimedOut("certificates: \(result.errors)") }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The certificate of the authority that has signed the others.
    package var authority: String { folder.appendingPathComponent("authority.pem").path }

    package func certificate(_ kind: Kind) -> String { folder.appendingPathComponent("\(kind).pem").path }

    package func key(_ kind: Kind) -> String { folder.appendingPathComponent("\(kind).key").path }

    /// Puts a certificate and its key in the place of another.
    package func replace(_ kind: Kind, by other: Kind) throws {
        for (old, new) in [(certificate(kind), certificate(other)), (key(kind), key(other))] {
            try Data(contentsOf: URL(filePath: new)).write(to: URL(filePath: old))
        }
    }

    /// Starts a server that speaks TLS and passes what it gets on to `address`.
    ///
    /// - Returns: the server, and its port.
    package func proxy(
        to address: String, _ kind: Kind = .good, _ arguments: [String] = []
    ) async throws -> (Command, port: UInt16) {
        let program = Command.program("tls_proxy.py")
        let proxy = try Command("/usr/bin/python3", [program, address, certificate(kind), key(kind)] + arguments)
        let port = UInt16(try await proxy.line(with: "port=").dropFirst("port=".count)) ?? 0
        return (proxy, port)
    }
}
