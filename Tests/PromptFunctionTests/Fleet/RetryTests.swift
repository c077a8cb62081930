import EventLoop
@_spi(RawReply) import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Prompts that wait for another Ollama than the one that failed them.
@Suite(.timeLimit(.minutes(1))) struct `Retries` {
    /// An Ollama that has every model loaded, and closes the connection of every prompt. Belongs to the loop.
    private final class Closing: Service {
        var chats = 0
        var listings = 0

        func respond(to request: borrowing RequestHead) -> Response? {
            listings += 1
            let models = (0..<20).map { #"{"name":"model\#($0)"}"# }.joined(separator: ",")
            return Response(.ok, .json, body: Array("{\"models\":[\(models)]}".utf8))
        }

        func handle(_ request: Request, _ reply: consuming Reply) async {
            chats += 1
            reply.raw().cut(reset: false)
        }
    }

    @Test func `a prompt waits for another Ollama, and those behind it do not wait for it`() async throws {
        try await onLoop { loop in
            let closing = Closing()
            let upstream = Server(closing, on: loop, log: Fleet.quiet)
            let address = try upstream.listen(on: try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0])
            let fleet = try Fleet([StandInSettings()], hosts: ["\(address)"], on: loop) { $0.maxInFlight = 1 }
            let standIn = fleet.standIns[0]
            standIn.hold()
            try await fleet.function.start()
            try await until("both were checked", on: loop) { fleet.listings == 2 && closing.listings == 2 }
            _ = try await fleet.get("/")  // so that what was listed is known
            // One is with the stand-in, and so are others soon: the closing host fails each of them at once.
            let sockets = try await fleet.begin((0..<5).map { #"{"prompt":"\#($0)","model":"model0"}"# }, on: loop)
            try await until("each was tried, and waits for the stand-in", on: loop) {
                fleet.log.lines(with: "trying again").count == 5 && fleet.function.waiting == 4
            }
            try await until("one is with the stand-in", on: loop) { standIn.counts.active == 1 }
            // The connection that the checks left open was closed by the first: that one was sent again.
            #expect(closing.chats == fleet.retries)
            standIn.release()
            for (index, socket) in sockets.enumerated() {
                let text = try await response(on: socket).text
                #expect(text == answer(to: "\(index)"))
            }
            #expect(closing.chats == fleet.retries && standIn.counts.requests == 5)
            #expect(fleet.function.waiting == 0 && fleet.function.inFlight == 0)
            await fleet.function.stop()
        }
    }

    @Test func `where the only other Ollama fails too, its failure is told`() async throws {
        try await onLoop { loop in
            let closing = [Closing(), Closing()]
            var hosts: [String] = []
            var servers: [Server] = []
            for service in closing {
                servers.append(Server(service, on: loop, log: Fleet.quiet))
                hosts.append(
                    "\(try servers.last!.listen(on: try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]))")
            }
            let fleet = try Fleet([], hosts: hosts, on: loop) { _ in }
            for count in 1...3 {
                let response = try await fleet.post("{}")
                #expect(response.status == 502 && response.text == "Ollama closed the connection without an answer.\n")
                #expect(closing.map(\.chats) == [count, count] && fleet.retries == count)
            }
            await fleet.function.stop()
        }
    }
}
