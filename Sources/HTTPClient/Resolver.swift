import Dispatch
import EventLoop

/// The addresses of one host, looked up without blocking the loop. Belongs to the loop's thread.
final class Resolver {
    /// How long an answer of the name service counts.
    private static let lifetime = Duration.seconds(30)

    private let host: String
    private let port: UInt16
    private let loop: EventLoop
    private let isNumeric: Bool
    private var known: [SocketAddress] = []
    private var expiry: LoopInstant?
    private var lookup: Task<Result<[SocketAddress], ResolveError>, Never>?

    init(host: String, port: UInt16, on loop: EventLoop) {
        self.host = host
        self.port = port
        self.loop = loop
        let numeric = try? SocketAddress.resolve(host: host, port: port, numericOnly: true)
        isNumeric = numeric != nil
        known = numeric ?? []
    }

    /// The addresses, in the order in which to try them. Lookups at the same time are one lookup.
    func addresses() async throws(ClientError) -> [SocketAddress] {
        if isNumeric { return known }
        if let expiry, loop.now < expiry { return known }
        let task = lookup ?? begin()
        lookup = task
        switch await task.value {
        case .success(let addresses):
            if lookup != nil {
                known = addresses
                expiry = loop.now + Self.lifetime
                lookup = nil
            }
            return known
        case .failure(let error):
            lookup = nil
            throw .unresolved(error)
        }
    }

    private func begin() -> Task<Result<[SocketAddress], ResolveError>, Never> {
        Task(executorPreference: loop.executor) { [host, port] in
            await withUnsafeContinuation { continuation in
                DispatchQueue.global().async {
                    do throws(ResolveError) {
                        let addresses = try SocketAddress.resolve(host: host, port: port)
                        continuation.resume(returning: .success(addresses))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            }
        }
    }

    /// Tries `address` first from now on: it took a connection.
    func prefer(_ address: SocketAddress) {
        guard known.count > 1, let index = known.firstIndex(where: { $0.description == address.description }), index > 0
        else { return }
        known.swapAt(0, index)
    }
}
