internal import CLibevent
import EventLoop

extension Server {
    /// How long a request that has arrived in part may take for the rest of its head, and then for the rest of its body:
    /// it may never come.
    private static let timeForRest = Duration.milliseconds(500)

    /// Shuts down gracefully: waits until every request is answered and every connection is closed.
    ///
    /// During `grace` the server works as before, with two differences: it tells its service, which is then no longer
    /// ready, and each reply closes its connection. This gives clients and load balancers time to notice. Then the
    /// server stops listening and closes idle connections; requests of which a part is missing have half a second more.
    /// Connections that are still open `limit` after the start are reset (RST), and the tasks of their requests are
    /// cancelled.
    ///
    /// - Parameters:
    ///   - limit: the time for everything, `grace` included.
    ///   - grace: the time before the server stops listening; at most `limit`.
    /// - Returns: the number of requests that were still being handled when the time was up, or whose reply the client
    ///   had not taken whole.
    public func drain(within limit: Duration, grace: Duration = .zero) async -> Int {
        let end = loop.now + limit
        isDraining = true
        service.serverIsDraining()
        await loop.sleep(for: min(grace, limit))
        await takeWaiting()
        unsafe shim_server_stop_listening(handle)
        await loop.turn()  // also reads what those connections have sent
        unsafe shim_server_close_idle(handle, Self.timeForRest.inNanoseconds)
        guard connections > 0 else { return 0 }
        let latch = Latch(on: loop)
        lastConnectionClosed = latch
        let timer = LoopTimer(on: loop) { latch.open() }
        timer.deadline = end
        await latch.wait()
        withExtendedLifetime(timer) {}
        let unanswered = unsafe requestsInFlight + shim_server_unsent_count(handle)
        unsafe shim_server_cut_all(handle)
        return unanswered
    }

    /// Accepts the connections that wait in the kernel's queue, some of them in each turn of the loop.
    private func takeWaiting() async {
        var before = 0
        repeat {
            before = connections
            await loop.turn()
        } while connections > before
    }

    func emptied() {
        lastConnectionClosed?.open()
        lastConnectionClosed = nil
    }
}
