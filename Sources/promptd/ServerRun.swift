import CoreMetrics
import EventLoop
import FunctionHost
import Glibc
import HTTPServer
import Logging
import Ollama
import OpenAI
import PromptFunction
import StandIn
import Telemetry

/// One run of the server, from listening to the last reply. Belongs to the loop's thread.
final class ServerRun {
    /// What the user requested.
    struct Plan: Sendable {
        var addresses: [ListenAddress]
        /// `nil`: clients do not speak TLS.
        var tls: TLSServerContext?
        var function: PromptFunction.Settings
        var limits: Limits
        /// Reads the settings again on SIGHUP.
        var reader: SettingsReader?
        var isEmbedded: Bool
        /// The time for finishing after SIGTERM.
        var drain: FunctionServer.Drain
        /// `nil`: there is no address for operators.
        var admin: Admin?
    }

    /// The operators' side.
    struct Admin: Sendable {
        var addresses: [ListenAddress]
        var registry: MetricsRegistry
        /// Of the log.
        var writer: LogWriter

        /// Its connections do not count among those of clients.
        static let limits = {
            var limits = Limits()
            (limits.connections, limits.reservedConnections) = (64, 4)
            (limits.bodyBytes, limits.bufferedBytes) = (1 << 20, 16 << 20)
            return limits
        }()
    }

    /// The metrics that operators get.
    static let instruments = Instruments.all + ServerMetrics.instruments + ProcessMetrics.instruments

    /// `func run` kills the process five seconds after its SIGINT.
    private static let interruptDrain = Duration.seconds(4)

    private var plan: Plan
    private let loop: EventLoop
    private let log: Logger
    private var reloadSignal: LoopSignal?

    init(_ plan: Plan, on loop: EventLoop, log: Logger) {
        self.plan = plan
        self.loop = loop
        self.log = log
    }

    /// Serves until a signal arrives.
    ///
    /// - Returns: the exit status: 0; 1 if the server could not start, or if requests were cut at the deadline.
    func run() async -> CInt {
        let files = fitFileLimit()
        let memory = fitMemoryLimit()
        do {
            plan.function.maxDecodedBytes = plan.limits.bodyBytes
            let standIn = try await startStandIn()
            defer { withExtendedLifetime(standIn) {} }
            let function = PromptFunction(plan.function, on: loop, log: log)
            do {
                return try await serve(function, files: files, memory: memory)
            } catch {
                await function.stop()
                throw error
            }
        } catch {
            log.critical("\(error)")
            return 1
        }
    }

    /// Serves the function until a signal arrives, and stops it.
    ///
    /// - Parameters:
    ///   - files: the limit of open files.
    ///   - memory: the most memory that the process can need, in bytes.
    /// - Returns: the exit status.
    private func serve(_ function: PromptFunction, files: Int, memory: Int) async throws -> CInt {
        try await function.start()
        let host = FunctionServer(function, limits: plan.limits, on: loop, log: log)
        let server = host.server
        server.useTLS(plan.tls)
        let addresses = try listen(server, on: plan.addresses)
        let admin = try startAdmin(function, server)
        defer { withExtendedLifetime(admin) {} }
        if let admin { host.finishOthers = { await admin.drain(within: $0) } }
        try handleSignals(host, function)  // before any client learns that it runs
        log.info(
            "serving prompts",
            metadata: hosts.merging([
                "address": "\(addresses.map(\.description).joined(separator: ","))",
                "api-keys": "\(plan.function.protection.keys.map { "\($0.count)" } ?? "none")",
                "tenants": "\(plan.function.protection.tenants.map { "\($0.entries.count)" } ?? "none")",
                "version": "\(Promptd.version)",
                "tls": "\(plan.tls == nil ? "off" : "on")",
                "connections": "\(plan.limits.connections)",
                "files": "\(files)",
                "memory": "\(memory >> 20)MiB",
            ]) { $1 })
        let trimmer = HeapTrimmer(server, on: loop)
        let drain = await host.waitForStop()
        withExtendedLifetime(trimmer) {}
        log.info(
            "draining",
            metadata: [
                "requests": "\(server.requestsInFlight)", "waiting": "\(function.waiting)",
                "in-flight": "\(function.inFlight)", "limit": "\(drain.limit)",
                "grace": "\(drain.grace)",
            ])
        let unfinished = await host.finish()
        guard unfinished == 0 else {
            log.error("drain timed out: requests were cut", metadata: ["requests": "\(unfinished)"])
            return 1
        }
        log.info("stopped", metadata: ["waiting": "\(function.waiting)", "in-flight": "\(function.inFlight)"])
        return 0
    }

    // MARK: Starting

    /// Raises the soft limit of open files to the hard limit, and keeps the number of connections within it.
    ///
    /// - Returns: the limit.
    private func fitFileLimit() -> Int {
        guard let files = OpenFiles.raiseLimit() else { return 0 }
        let budget = FileBudget(
            limit: files, for: plan.limits, maxInFlight: plan.function.maxInFlight, hosts: plan.function.hostCount,
            fetches: plan.function.mostFetches,
            others: plan.admin == nil ? 0 : Admin.limits.allConnections, isEmbedded: plan.isEmbedded)
        if budget.connections < plan.limits.connections {
            log.warning(
                "fewer connections than configured: raise the limit of open files, such as with ulimit -n or LimitNOFILE",
                metadata: [
                    "wanted": "\(plan.limits.connections)", "connections": "\(budget.connections)", "files": "\(files)",
                ])
        }
        plan.limits.connections = budget.connections
        plan.limits.reservedConnections = budget.reservedConnections
        return files
    }

    /// Keeps the limits within the memory that the process may have.
    ///
    /// - Returns: the most memory that it can need.
    private func fitMemoryLimit() -> Int {
        let memory = MemoryLimit.current()
        let budget = MemoryBudget(
            for: plan.limits, within: memory, hasTLS: plan.tls != nil, maxInFlight: plan.function.maxInFlight,
            hosts: plan.function.hostCount,
            perPrompt: plan.function.bytesPerPrompt, listings: plan.function.mostListings,
            hasTraces: plan.function.traces != nil,
            others: plan.admin == nil ? [] : [Admin.limits])
        if let memory, budget.limits.bufferedBytes < plan.limits.bufferedBytes {
            log.warning(
                "lower limits than configured, to stay within the memory limit: raise that, or lower --max-buffered-bytes and --max-connections",
                metadata: [
                    "memory-limit": "\(memory >> 20)MiB", "needed": "\(budget.bytes >> 20)MiB",
                    "connections": "\(budget.limits.connections)",
                    "buffered-bytes": "\(budget.limits.bufferedBytes)", "body-bytes": "\(budget.limits.bodyBytes)",
                ])
        }
        plan.limits = budget.limits
        return budget.bytes
    }

    /// What the start line says of the backends.
    private var hosts: Logger.Metadata {
        if plan.isEmbedded { return ["ollama": "embedded stand-in, no model"] }
        var fields: Logger.Metadata = [:]
        let (ollamas, others) = (plan.function.hosts, plan.function.openAIHosts)
        if !ollamas.isEmpty { fields["ollama"] = "\(ollamas.map(\.url).joined(separator: ","))" }
        if !others.isEmpty { fields["openai"] = "\(others.map(\.url).joined(separator: ","))" }
        return fields
    }

    /// Starts the embedded stand-in on its own port, and makes it the function's backend.
    private func startStandIn() async throws -> Server? {
        guard plan.isEmbedded else { return nil }
        let server = Server(StandIn(on: loop), on: loop, log: log)
        let loopback = try SocketAddress.resolve(host: "127.0.0.1", port: 0, numericOnly: true)[0]
        let address = try server.listen(on: loopback)
        plan.function.hosts = [try OllamaHost.parse("http://\(address)").0]
        plan.function.openAIHosts = []
        log.warning("answers come from the embedded stand-in, which has no model")
        return server
    }

    private func listen(_ server: Server, on addresses: [ListenAddress], flag: String = "--listen") throws
        -> [SocketAddress]
    {
        var bound: [SocketAddress] = []
        for address in addresses {
            do {
                for resolved in try SocketAddress.resolve(host: address.host, port: address.port).prefix(1) {
                    bound.append(try server.listen(on: resolved, ipv6Only: address.isIPv6Only(among: addresses)))
                }
            } catch let error as ListenError where address.isDefault && error.isMissingFamily {
                log.warning("not listening on \(address.host): this machine has no such address")
            } catch let error as ListenError where error.errno == EADDRINUSE {
                let flags = flag == "--listen" ? "--port or PORT" : flag
                throw StartError("\(error): choose another port with \(flags).")
            } catch let error as ResolveError {
                throw StartError("cannot listen on \(error): give \(flag) an address of this machine.")
            }
        }
        guard !bound.isEmpty else { throw StartError("there is no address to listen on: give one with --listen.") }
        return bound
    }

    /// Starts to serve operators, if the user wants that.
    private func startAdmin(_ function: PromptFunction, _ server: Server) throws -> Server? {
        guard let admin = plan.admin else { return nil }
        let service = AdminService(
            for: function, server, plan.limits, admin.registry, log: admin.writer,
            isLocal: admin.addresses.allSatisfy(\.isLoopback), on: loop)
        let adminServer = Server(service, limits: Admin.limits, on: loop, log: log)
        let addresses = try listen(adminServer, on: admin.addresses, flag: "--admin")
        Timer(label: Instruments.initDuration.name, dimensions: [("faas.trigger", "http")], factory: admin.registry)
            .recordNanoseconds((ContinuousClock.now - Promptd.began).inNanoseconds)
        Counter(
            label: Instruments.coldStarts.name, dimensions: [("faas.trigger", "http")], factory: admin.registry
        ).increment()
        if !admin.addresses.allSatisfy(\.isLoopback) {
            log.warning(
                "whoever reaches --admin can see what is asked, and send prompts without a key: keep it from others")
        }
        log.info(
            "serving operators",
            metadata: ["address": "\(addresses.map(\.description).joined(separator: ","))"])
        return adminServer
    }

    // MARK: Signals

    /// Sets up the signals: SIGTERM and SIGINT stop the server, SIGHUP has the settings read again.
    private func handleSignals(_ host: FunctionServer, _ function: PromptFunction) throws(EventLoopError) {
        try host.stop(at: SIGTERM, plan.drain)
        // Half of the short time is left for the requests that arrived last.
        let limit = min(plan.drain.limit, Self.interruptDrain)
        try host.stop(at: SIGINT, .init(limit: limit, grace: min(plan.drain.grace, limit / 2)))
        let reload = Reload(
            of: function, host.server, hasTLS: plan.tls != nil, needsKey: plan.function.protection.needsKey, log: log,
            on: loop)
        let reader = plan.reader
        reloadSignal = try LoopSignal(SIGHUP, on: loop) { if let reader { reload.start(reader) } }
    }
}

/// The reason that the server did not start, in a sentence that says what to do.
struct StartError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension ListenError {
    /// Whether the machine does not support the address family.
    var isMissingFamily: Bool { errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL }
}
