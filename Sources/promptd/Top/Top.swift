import ArgumentParser
import EventLoop
import Glibc
import HTTPClient

/// `promptd top`
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a running promptd is doing, as its --admin address tells it.",
        discussion: "On a terminal the picture is renewed until you press q or Ctrl+C; elsewhere it is printed once.")

    @Option(help: "The URL of promptd's --admin address. [PROMPTD_ADMIN_URL] (default: http://127.0.0.1:9090)")
    var url: String?

    @Option(help: "The time between two pictures.")
    var interval: DurationArgument = DurationArgument(.seconds(1))

    func run() throws {
        let server = try ServerURL(
            url ?? Environment.text("PROMPTD_ADMIN_URL") ?? "http://127.0.0.1:9090", how: "--url http://HOST:PORT")
        guard interval.duration > .zero else { throw ValidationError("Give --interval a time above 0.") }
        let isTerminal = isatty(STDOUT_FILENO) == 1
        if let mistake = try EventLoop().run({ loop in await show(server, isTerminal, on: loop) }) {
            throw StartError(mistake)
        }
    }

    /// - Returns: what went wrong, in a sentence.
    private func show(_ server: ServerURL, _ isTerminal: Bool, on loop: isolated EventLoop) async -> String? {
        var deadlines = Deadlines()
        (deadlines.connect, deadlines.firstByte, deadlines.total) = (.seconds(5), .seconds(5), .seconds(10))
        let origin = Origin(
            host: server.host, port: server.port, tls: server.tls, deadlines: deadlines, on: loop)
        defer { origin.closeIdle() }
        let template = RequestTemplate("GET", path: server.path + "/state", host: server.authority)
        guard isTerminal else {
            switch await Self.state(from: origin, template) {
            case .success(let state):
                print(TopScreen(width: 1000, height: 1000).lines(state, since: nil).joined(separator: "\n"))
                return nil
            case .failure(let mistake): return "\(server.root): \(mistake.description)"
            }
        }
        let stopped = Latch(on: loop)
        let terminal = Terminal(on: loop)
        let signals = [SIGINT, SIGQUIT, SIGTERM, SIGHUP].compactMap {
            try? LoopSignal($0, on: loop) { stopped.open() }
        }
        terminal.take()
        terminal.readKeys { key in
            if key == UInt8(ascii: "q") { kill(getpid(), SIGTERM) }
        }
        let task = loop.startTask { [interval] in
            var before: AdminState?
            while !Task.isCancelled {
                let (width, height) = Terminal.size
                let lines: [String]
                switch await Self.state(from: origin, template) {
                case .success(let state):
                    lines = TopScreen(width: width, height: height).lines(state, since: before)
                    before = state
                case .failure(let mistake):
                    lines = ["\(server.root): \(mistake.description)", "Trying again."]
                    before = nil
                }
                if Task.isCancelled { return }  // the terminal is given back
                // Each line is cleared to its end, and so is what is below.
                let picture = lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J"
                if terminal.take() { terminal.draw("\u{1B}[H" + picture) }
                await loop.sleep(for: interval.duration)
            }
        }
        await stopped.wait()
        task.cancel()
        terminal.leave()
        withExtendedLifetime(signals) {}
        return nil
    }

    private static func state(from origin: Origin, _ template: RequestTemplate) async -> Result<AdminState, StartError>
    {
        let reply: (status: Int, body: [UInt8])
        do throws(ClientError) {
            reply = try await origin.withResponse(to: template) { response throws(ClientError) in
                (response.head.status, try await response.body(upTo: 16 << 20))
            }
        } catch {
            return .failure(StartError(SingleRequest.sentence(error)))
        }
        guard reply.status == 200, let state = try? AdminState(reply.body) else {
            return .failure(StartError("this is not the --admin address of a promptd."))
        }
        return .success(state)
    }
}
