import HTTPServer

/// How many connections the limit of open files allows.
struct FileBudget: Equatable, Sendable {
    /// Connections of clients: as many as were wanted, or fewer.
    let connections: Int
    /// Connections beyond those, for health checks.
    let reservedConnections: Int
    /// Files that may be needed at once.
    let files: Int

    /// For listeners, the log, the loop and what the system's libraries open.
    private static let own = 64
    /// Fewer connections than this are not worth to serve: rather run out of files.
    private static let fewest = 16

    /// - Parameters:
    ///   - limit: files that may be open at once: the soft limit of getrlimit(2).
    ///   - limits: connections that are wanted.
    ///   - maxInFlight: prompts that may be with one Ollama at once; 0 for any number. Each needs a connection.
    ///   - hosts: how many Ollamas there are.
    ///   - isEmbedded: whether Ollama's end of those connections is in this process too.
    init(limit: Int, for limits: Limits, maxInFlight: Int, hosts: Int, isEmbedded: Bool) {
        var limits = limits
        limits.reservedConnections = min(limits.reservedConnections, limit / 16)
        reservedConnections = limits.reservedConnections
        let extra = limits.allConnections - limits.connections + Self.own
        let ends = isEmbedded ? 2 : 1
        // All of them may hold a prompt, unless fewer are let through.
        let upstream = { (connections: Int) in
            ends * (maxInFlight > 0 ? min(connections, maxInFlight * hosts) : connections)
        }
        let room = limit - extra
        let shared = room / (1 + ends)
        let possible = upstream(shared) < ends * shared ? room - upstream(shared) : shared
        connections = min(limits.connections, max(possible, Self.fewest))
        files = connections + upstream(connections) + extra
    }
}
