import EventLoop
import HTTPServer
import Logging
import Ollama
import PromptFunction
import StandIn
import TestSupport

/// A function that asks one or several stand-ins, each behind a server of its own. Belongs to the loop.
final class MultiBackendFixture {
    private(set) var standIns: [StandIn] = []
    /// Where the stand-ins listen, also when they do not.
    private(set) var addresses: [SocketAddress] = []
    private var standInServers: [Server?] = []
    /// Keeps the stand-ins' ports from other tests while nobody listens there.
    private var ports: [ReservedPort] = []
    private let serviceServers: [Server]
    let function: PromptFunction
    let server: Server
    let port: UInt16
    /// What the function has logged.
    let log = LogRecorder()
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let loop: EventLoop

    /// - Parameters:
    ///   - hosts: other Ollamas, behind the stand-ins in the list.
    ///   - services: Ollamas that the test plays itself, behind those; each gets a server.
    init(
        _ standInSettings: [StandInSettings], hosts: [String] = [], services: [any Service] = [],
        limits: Limits = Limits(), on loop: EventLoop, _ change: (inout PromptFunction.Settings) throws -> Void
    ) throws {
        self.loop = loop
        let loopback = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
        standIns = standInSettings.map { StandIn($0, on: loop) }
        for standIn in standIns {
            let server = Server(standIn, on: loop, log: Self.quiet)
            let port = try ReservedPort()
            ports.append(port)
            let own = try SocketAddress.resolve(host: "127.0.0.1", port: port.number)[0]
            addresses.append(try server.listen(on: own))
            standInServers.append(server)
        }
        serviceServers = services.map { Server($0, on: loop, log: Self.quiet) }
        let serviceHosts = try serviceServers.map { try $0.listen(on: loopback).description }
        let all = try (addresses.map(\.description) + hosts + serviceHosts).map { try OllamaHost.parse($0).0 }
        var settings = PromptFunction.Settings(hosts: all)
        try change(&settings)
        let recorder = log
        function = PromptFunction(settings, on: loop, log: Logger(label: "test") { _ in recorder })
        server = Server(function, limits: limits, on: loop, log: Self.quiet)
        port = try server.listen(on: loopback).port
    }

    // MARK: Stand-ins

    /// The only stand-in, or the first.
    var standIn: StandIn { standIns[0] }

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

    /// Connections that are open to stand-ins.
    var upstreamConnections: Int { standInServers.reduce(0) { $0 + ($1?.connections ?? 0) } }

    /// How often a prompt was tried again, with any cause.
    var retries: Int {
        log.lines(with: "retrying after a failure").count + log.lines(with: "resending on a new connection").count
    }

    // MARK: Requests

    /// Connects and sends `text`, all of it.
    func open(_ text: [UInt8], receiveBuffer: CInt? = nil) async throws -> RawSocket {
        try await offLoop { [port] in
            let socket = try RawSocket(port: port, receiveBuffer: receiveBuffer)
            try socket.send(text)
            return socket
        }
    }

    /// Posts `body` and receives the response.
    func post(_ body: String, _ fields: [String] = [], to path: String = "/") async throws -> RawResponse {
        let socket = try await open(postRequest(body, fields, to: path))
        defer { socket.close() }
        return try await response(on: socket)
    }

    func get(_ path: String, _ fields: [String] = []) async throws -> RawResponse {
        let all = fields.map { $0 + "\r\n" }.joined()
        let socket = try await open(Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\(all)\r\n".utf8))
        defer { socket.close() }
        return try await response(on: socket)
    }

    /// Posts `body` on `count` connections, and does not wait for what becomes of it.
    func open(_ count: Int, posting body: String) async throws -> [RawSocket] {
        try await offLoop { [port] in
            try (0..<count).map { _ in
                let socket = try RawSocket(port: port)
                try socket.send(postRequest(body))
                return socket
            }
        }
    }

    /// Posts bodies, each on its own connection, and returns when all of them wait or are with an Ollama, in this
    /// order.
    func begin(
        _ bodies: [String], _ fields: [String] = [], to path: String = "/", on loop: isolated EventLoop
    ) async throws -> [RawSocket] {
        var sockets: [RawSocket] = []
        for body in bodies {
            let under = function.waiting + function.inFlight
            sockets.append(try await open(postRequest(body, fields, to: path)))
            try await until("\(body.prefix(200)) is under way", on: loop) { [function] in
                function.waiting + function.inFlight > under
            }
        }
        return sockets
    }

    /// Posts `body`, moves the manual clock by `wait` once somebody waits for just as long, and receives the response.
    func post(
        _ body: String, _ fields: [String] = [], passing wait: Duration, on loop: isolated EventLoop
    ) async throws -> RawResponse {
        let socket = try await open(postRequest(body, fields))
        defer { socket.close() }
        try await passDeadline(wait, on: loop)
        return try await response(on: socket)
    }

    func beginDraining(on loop: isolated EventLoop) -> Task<Int, Never> {
        Task.immediate(executorPreference: loop.executor) {
            _ = loop
            return await server.drain(within: .seconds(10))
        }
    }
}

/// The response that comes next on a connection.
func response(on socket: RawSocket) async throws -> RawResponse { try await offLoop { try socket.response() } }

/// A POST as it goes over the wire.
func postRequest(_ body: String, _ fields: [String] = [], to path: String = "/") -> [UInt8] {
    let all = fields.map { $0 + "\r\n" }.joined()
    return Array("POST \(path) HTTP/1.1\r\nHost: a\r\n\(all)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
}

/// What the stand-in says to `prompt`.
func answer(to prompt: String) -> String {
    "No model is behind this answer: it comes from promptd's stand-in for Ollama. You asked: \(prompt)"
}

/// Runs `body` with a function and its stand-ins on a loop of its own, and checks that nothing is left.
func withBackends(
    _ standIns: [StandInSettings] = [StandInSettings()], hosts: [String] = [],
    clock: LoopClock = .monotonic,
    settings change: @Sendable (inout PromptFunction.Settings) throws -> Void = { _ in },
    limits changeLimits: @Sendable (inout Limits) -> Void = { _ in },
    _ body: @Sendable (isolated EventLoop, MultiBackendFixture) async throws -> Void
) async throws {
    try await onLoop(clock: clock) { loop in
        var limits = Limits()
        changeLimits(&limits)
        let fixture = try MultiBackendFixture(standIns, hosts: hosts, limits: limits, on: loop, change)
        try await fixture.function.start()
        do {
            try await body(loop, fixture)
        } catch {
            await fixture.function.stop()
            throw error
        }
        for standIn in fixture.standIns { standIn.release() }
        // A task that the end of the loop finds waiting is never freed.
        try await until("nothing is left", on: loop) {
            fixture.function.decoding == 0 && fixture.function.waiting == 0 && fixture.function.inFlight == 0
                && fixture.active == 0
        }
        await fixture.function.stop()
    }
}
