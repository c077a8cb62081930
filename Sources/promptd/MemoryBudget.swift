import EventLoop
import Glibc
import HTTPServer
import Ollama

/// The most memory that the process can need, whatever arrives, computed from its limits. The kernel's own memory, such as
/// that of socket buffers, is not in it; neither is the embedded stand-in.
struct MemoryBudget: Sendable {
    /// The limits of the server, lowered if that was necessary.
    let limits: Limits
    /// The most memory in bytes.
    let bytes: Int

    /// The code, the runtime, the log's buffer, and what the allocator keeps.
    private static let own = 24 << 20
    /// A client's connection: what it may hold without being counted, its objects, and its prompt's task.
    private static let perConnection = 20 << 10
    /// What a client's connection holds besides if it speaks TLS: its keys, and a record in each direction.
    private static let perTLS = 48 << 10
    /// What waits for a collector of traces, and a batch that is being sent.
    private static let traces = 8 << 20
    /// A connection to a backend: its objects, and a head or trailer that has not arrived whole.
    private static let perUpstream = 48 << 10
    /// While a body is decoded, it is there four times more: as it came, decompressed, and as the request to Ollama in two
    /// forms.
    private static let decoding = 4

    /// Lower limits than these make no sense: the budget exceeds the memory instead.
    private static let fewestConnections = 64
    private static let fewestBytes = 1 << 20

    /// - Parameters:
    ///   - limits: the limits that are requested.
    ///   - memory: what the process may have; `nil`: any amount. Limits that need more are lowered.
    ///   - hasTLS: whether clients speak TLS.
    ///   - maxInFlight: prompts that one backend may handle at once; 0 for any number.
    ///   - hosts: the number of backends.
    ///   - perPrompt: what a prompt in flight holds besides what is counted in the limits.
    ///   - listings: requests that run no model, each of which may bring a long listing.
    ///   - hasTraces: whether spans are sent to a collector.
    ///   - others: the limits of other servers in the process.
    init(
        for limits: Limits, within memory: Int? = nil, hasTLS: Bool = false, maxInFlight: Int, hosts: Int,
        perPrompt: Int = 0,
        listings: Int = 0, hasTraces: Bool = false, others: [Limits] = [],
        cores: Int = Self.cores
    ) {
        var limits = limits
        let other = others.reduce(0) { $0 + $1.bufferedBytes + $1.allConnections * Self.perConnection }
        func needed() -> Int {
            let connections = limits.allConnections
            let upstream = maxInFlight > 0 ? min(connections, maxInFlight * hosts) : connections
            let body = min(limits.bodyBytes, limits.bufferedBytes)
            let answer = min(OllamaClient.replyLimit, limits.bufferedBytes)
            return Self.own + (hasTraces ? Self.traces : 0) + other + limits.bufferedBytes
                + connections * (Self.perConnection + (hasTLS ? Self.perTLS : 0)) + upstream
                * (Self.perUpstream + perPrompt)
                + Self.decoding * (body + cores * WorkQueue.concurrentLimit)
                + listings * OllamaClient.listingLimit
                + 2 * answer  // one is being collected or sent, which copies it
        }
        while let memory, needed() > memory {
            let (connections, bytes) = (limits.connections, limits.bufferedBytes)
            limits.connections = min(connections, max(connections * 7 / 8, Self.fewestConnections))
            limits.bufferedBytes = min(bytes, max(bytes * 7 / 8, Self.fewestBytes))
            limits.bodyBytes = min(limits.bodyBytes, max(limits.bufferedBytes / 2, Self.fewestBytes))
            if limits.connections == connections && limits.bufferedBytes == bytes { break }
        }
        self.limits = limits
        bytes = needed()
    }

    private static var cores: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }
}
