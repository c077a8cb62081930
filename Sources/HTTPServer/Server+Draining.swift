internal import CLibevent
import EventLoop

extension Server {
    /// Finishes: waits until every request was answered and every connection closed.
    ///
    /// For `grace` it goes on as ever, but that it tells its service, which is no longer ready, and that each reply
    /// closes its connection: who sends requests here has time to notice. Then it stops listening and closes idle
    /// connections. What is open `limit` after the start is cut by RST, and the tasks of its requests cancelled.
    ///
    /// - Parameters:
    ///   - limit: for everything, `grace` included.
    ///   - grace: at most `limit`.
    /// - Returns: the number of requests that were being worked on when time was up.
    public func drain(within limit: Duration, grace: Duration = .zero) async -> Int {
        let end = loop.now + limit
        isDraining = true
        service.serverIsDraining()
        await loop.sleep(for: min(grace, limit))
        await takeWaiting()
        unsafe shim_server_stop_listening(handle)
        await loop.turn()  // and what it has to say is read
        unsafe shim_server_close_idle(handle)
        guard connections > 0 else { return 0 }
        let latch = Latch(on: loop)
        lastConnectionClosed = latch
        let timer = LoopTimer(on: loop) { latch.open() }
        timer.deadline = end
        await latch.wait()
        withExtendedLifetime(timer) {}
        let unanswered = requestsInFlight
        unsafe shim_server_cut_all(handle)
        return unanswered
    }

    /// Takes the connections that the kernel has accepted for us, and we have not seen: a part of them each turn.
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
