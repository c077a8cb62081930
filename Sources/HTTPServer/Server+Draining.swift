internal import CLibevent
public import EventLoop

extension Server {
    /// Stops listening, closes idle connections and waits until the others were answered and closed.
    ///
    /// Connections that are open after `limit` are cut, and the tasks of their requests cancelled.
    ///
    /// - Returns: the number of requests that were being worked on when time was up.
    public func drain(within limit: Duration) async -> Int {
        let end = loop.now + limit
        isDraining = true
        service.serverIsDraining()
        await loop.turn()  // what the kernel has accepted for us, and we have not seen, is served too
        shim_server_stop_listening(handle)
        await loop.turn()  // and what it has to say is read
        shim_server_close_idle(handle)
        guard connections > 0 else { return 0 }
        let timer = LoopTimer(on: loop) { [weak self] in self?.emptied() }
        timer.deadline = end
        await withUnsafeContinuation { emptyWaiter = $0 }
        withExtendedLifetime(timer) {}
        let unanswered = requestsInFlight
        shim_server_cut_all(handle)
        return unanswered
    }

    func emptied() {
        emptyWaiter?.resume()
        emptyWaiter = nil
    }
}
