import HTTPServer

/// The number of connections that the limit of open files allows.
struct FileBudget: Equatable, Sendable {
    /// Client connections: as many as requested, or fewer.
    let connections: Int
    /// Reserved connections beyond those, for health checks.
    let reservedConnections: Int
    /// The most files that may be open at once.
    let files: Int

    /// Files for listeners, the log, the loop and the system's libraries.
    private static let own = 64
    /// The fewest client connections. With fewer, serving is not useful, so the budget exceeds the limit of open files
    /// instead.
    private static let fewest = 16

    /// - Parameters:
    ///   - limit: files that may be open at once: the soft limit of getrlimit(2).
    ///   - limits: the connections that are requested.
    ///   - maxInFlight: prompts that one backend may handle at once; 0 for any number. Each needs a connection.
    ///   - hosts: the number of backends.
    ///   - isEmbedded: whether the stand-in's end of those connections is in this process too.
    ///   - fetches: connections for requests that run no model.
    ///   - others: connections of other servers in the process.
    init(
        limit: Int, for limits: Limits, maxInFlight: Int, hosts: Int, fetches: Int = 0, others: Int = 0,
        isEmbedded: Bool
    ) {
        var limits = limits
        limits.reservedConnections = min(limits.reservedConnections, limit / 16)
        reservedConnections = limits.reservedConnections
        let extra = limits.allConnections - limits.connections + Self.own + fetches + others
        let ends = isEmbedded ? 2 : 1
        // Every client connection may hold a prompt, unless `maxInFlight` allows fewer.
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
