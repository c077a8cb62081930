import ArgumentParser

/// Options for the operator's side.
struct AdminOptions: ParsableArguments {
    @Option(
        help: """
            The address for operators, such as 127.0.0.1:9090: metrics for Prometheus, and a page that shows what is \
            happening. Whoever reaches it can read all of that and send prompts, so keep it from others. (default: none)
            """)
    var admin: String?

    func addresses() throws -> [ListenAddress] {
        guard let list = admin ?? Environment.text("PROMPTD_ADMIN") else { return [] }
        do {
            return try ListenAddress.list(list)
        } catch {
            throw ValidationError(
                "'\(list)' is not an address to listen on: give --admin HOST:PORT, such as 127.0.0.1:9090.")
        }
    }
}
