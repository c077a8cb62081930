import ArgumentParser
import EventLoop
import HTTPServer

/// Options for the addresses to listen on.
struct ListenOptions: ParsableArguments {
    @Option(
        help: "Addresses to listen on, as a comma-separated list. [LISTEN_ADDRESS] (default: [::]:8080,0.0.0.0:8080)")
    var listen: String?

    @Option(help: "The address to listen on, without port. [ADDRESS]")
    var address: String?

    @Option(help: "The port to listen on. [PORT] (default: 8080)")
    var port: UInt16?

    @Option(
        help: """
            A file with the certificate for TLS, and those that lead to a trusted one: then clients speak https. Reloaded on \
            SIGHUP. (default: none)
            """)
    var tlsCert: String?

    @Option(help: "The file with the key of --tls-cert. (default: none)")
    var tlsKey: String?

    @Option(
        help: "A file of certificates: clients must show a certificate that one of these has signed. (default: none)")
    var tlsClientCa: String?

    /// The certificate that clients see; `nil`: they do not speak TLS. Reads files.
    func tls() throws -> TLSServerContext? {
        let certificate = tlsCert ?? Environment.text("PROMPTD_TLS_CERT")
        let key = tlsKey ?? Environment.text("PROMPTD_TLS_KEY")
        let authority = tlsClientCa ?? Environment.text("PROMPTD_TLS_CLIENT_CA")
        guard let certificate, let key else {
            guard certificate == nil && key == nil && authority == nil else {
                throw ValidationError("Give both --tls-cert and --tls-key; --tls-client-ca needs them too.")
            }
            return nil
        }
        do throws(TLSMistake) {
            return try TLSServerContext(certificateFile: certificate, keyFile: key, clientCAFile: authority)
        } catch {
            throw ValidationError("For TLS, \(error): see --tls-cert, --tls-key and --tls-client-ca.")
        }
    }

    /// The list of addresses; `nil` if the others count: flags before variables, variables before the file, and of one
    /// origin the list.
    private var list: String? {
        if let listen { return listen }
        let isOutranked =
            !Environment.isVariable("LISTEN_ADDRESS")
            && (Environment.isVariable("ADDRESS") || Environment.isVariable("PORT"))
        return address == nil && port == nil && !isOutranked ? Environment.text("LISTEN_ADDRESS") : nil
    }

    /// The settings that do not count, because others do.
    var unused: Set<String> {
        if list != nil { return ["address", "port"] }
        let hasOthers = address != nil || port != nil
        return hasOthers || ["ADDRESS", "PORT"].contains { Environment.text($0) != nil } ? ["listen"] : []
    }

    func addresses() throws -> [ListenAddress] {
        if let list { return try ListenAddress.list(list) }
        let port = try Environment.setting(port, "PORT", "a port from 0 to 65535", default: 8080)
        guard let address = address ?? Environment.text("ADDRESS") else { return ListenAddress.everywhere(port: port) }
        guard !address.contains("://") else {
            let name = self.address == nil ? "The environment variable ADDRESS" : "--address"
            throw ValidationError(
                "\(name) is '\(address)': give an address without scheme and port. Kubernetes sets variables like this for services: set enableServiceLinks to false, or give --address."
            )
        }
        let isBracketed = address.hasPrefix("[") && address.hasSuffix("]")
        return [ListenAddress(host: isBracketed ? String(address.dropFirst().dropLast()) : address, port: port)]
    }
}
