import ArgumentParser

/// Options for the addresses to listen on.
struct ListenOptions: ParsableArguments {
    @Option(
        help: "Addresses to listen on, as a comma-separated list. [LISTEN_ADDRESS] (default: [::]:8080,0.0.0.0:8080)")
    var listen: String?

    @Option(help: "The address to listen on, without port. [ADDRESS]")
    var address: String?

    @Option(help: "The port to listen on. [PORT] (default: 8080)")
    var port: UInt16?

    /// The addresses: flags first, then LISTEN_ADDRESS, then ADDRESS and PORT.
    func addresses() throws -> [ListenAddress] {
        if let listen { return try ListenAddress.list(listen) }
        if address == nil, port == nil, let list = Environment.text("LISTEN_ADDRESS") {
            return try ListenAddress.list(list)
        }
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
