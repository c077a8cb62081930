import EventLoop
import HTTPServer
import Logging
import Ollama
import PromptFunction
import StandIn
import TestSupport

/// A function that asks several stand-ins, each behind a server of its own. Belongs to the loop.
final class Fleet {
    private(set) var standIns: [StandIn] = []
    /// Where the stand-ins listen, also when they do not.
    private(set) var addresses: [SocketAddress] = []
    private var standInServers: [Server?] = []
    let function: PromptFunction
    let server: Server
    let port: UInt16
    /// What the function has logged.
    let log = LogRecorder()
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let loop: EventLoop

    /// - Parameter hosts: other Ollamas, behind the stand-ins in the list.
    init(
        _ standInSettings: [StandInSettings], hosts: [String], on loop: EventLoop,
        _ change: (inout PromptFunction.Settings) throws -> Void
    ) throws {
        self.loop = loop
        let loopback = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
        for settings in standInSettings {
            standIns.append(StandIn(settings, on: loop))
            let server = Server(standIns.last!, on: loop, log: Self.quiet)
            addresses.append(try server.listen(on: loopback))
            standInServers.append(server)
        }
        let all = try (addresses.map(\.description) + hosts).map { try OllamaHost.parse($0).0 }
        var settings = PromptFunction.Settings(hosts: all)
        try change(&settings)
        let recorder = log
        function = PromptFunction(settings, on: loop, log: Logger(label: "test") { _ in recorder })
        server = Server(function, on: loop, log: Self.quiet)
        port = try server.listen(on: loopback).port
    }

    // MARK: Stand-ins

    /// Ends a stand-in's server: nobody listens there, and its connections break.
    func stop(_ index: Int) async {
        _ = await standInServers[index]?.drain(within: .zero)
        standInServers[index] = nil
    }

    /// Starts it again, on its port, as a new one that has seen nothing.
    func restart(_ index: Int, _ settings: StandInSettings = StandInSettings()) throws {
        let standIn = StandIn(settings, on: loop)
        let server = Server(standIn, on: loop, log: Self.quiet)
        _ = try server.listen(on: addresses[index])
        (standIns[index], standInServers[index]) = (standIn, server)
    }

    /// Prompts that came to each stand-in.
    var requests: [Int] { standIns.map(\.counts.requests) }

    /// Prompts that are with a stand-in.
    var active: Int { standIns.reduce(0) { $0 + $1.counts.active } }

    /// Listings that the stand-ins were asked for, of both kinds.
    var listings: Int { standIns.reduce(0) { $0 + $1.counts.listings } }

    /// How often a prompt was tried again, with any cause.
    var retries: Int { log.lines(with: "trying again").count + log.lines(with: "asking again").count }

    // MARK: Requests

    /// Posts `body` and receives the response.
    func post(_ body: String, _ fields: [String] = []) async throws -> RawResponse {
        try await offLoop { [port] in
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            try socket.send(postRequest(body, fields))
            return try socket.response()
        }
    }

    func get(_ path: String) async throws -> RawResponse {
        try await offLoop { [port] in
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            try socket.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            return try socket.response()
        }
    }

    /// Posts bodies, each on its own connection, and returns when all of them wait or are with an Ollama, in this
    /// order.
    func begin(_ bodies: [String], _ fields: [String] = [], on loop: isolated EventLoop) async throws -> [RawSocket] {
        var sockets: [RawSocket] = []
        for body in bodies {
            let under = function.waiting + function.inFlight
            sockets.append(
                try await offLoop { [port] in
                    let socket = try RawSocket(port: port)
                    try socket.send(postRequest(body, fields))
                    return socket
                })
            try await until("\(body) is under way", on: loop) { function.waiting + function.inFlight > under }
        }
        return sockets
    }

    func beginDraining(on loop: isolated EventLoop) -> Task<Int, Never> {
        loop.startTask { [server] in await server.drain(within: .seconds(10)) }
    }
}

/// The response that comes next on a connection.
func response(on socket: RawSocket) async throws -> RawResponse { try await offLoop { try socket.response() } }

/// Runs `body` with a fleet on a loop of its own, and checks that nothing is left.
func withFleet(
    _ standIns: [StandInSettings] = [StandInSettings()], hosts: [String] = [],
    settings change: @Sendable (inout PromptFunction.Settings) throws -> Void = { _ in },
    _ body: @Sendable (isolated EventLoop, Fleet) async throws -> Void
) async throws {
    try await onLoop { loop in
        let fleet = try Fleet(standIns, hosts: hosts, on: loop, change)
        try await fleet.function.start()
        do {
            try await body(loop, fleet)
        } catch {
            await fleet.function.stop()
            throw error
        }
        for standIn in fleet.standIns { standIn.release() }
        try await until("nothing is left", on: loop) {
            fleet.function.waiting == 0 && fleet.function.inFlight == 0 && fleet.active == 0
        }
        await fleet.function.stop()
    }
}
