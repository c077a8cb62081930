import ArgumentParser
import EventLoop
import Glibc
import HTTPServer
import Logging
import StandIn

/// `promptd stand-in`
struct StandInCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stand-in",
        abstract: "Run a stand-in Ollama without a model: for trying out, tests and load runs.",
        discussion: """
            It speaks Ollama's protocol and repeats the prompt. A model named fault:NAME causes a fault; NAME is one of \
            \(Fault.allCases.map(\.rawValue).joined(separator: ", ")). GET /stand-in/counts tells how many requests it \
            has seen; with --log-level debug each question is logged.
            """)

    @Option(help: "The port to listen on; 0 for a free one.")
    var port: UInt16 = 11434

    @Option(help: "The address to listen on.")
    var address = "127.0.0.1"

    @Option(help: "How long loading a model takes.")
    var loadTime = DurationArgument(.zero)

    @Option(help: "How long a request's first token takes.")
    var firstToken = DurationArgument(.zero)

    @Option(help: "The time between two tokens.")
    var tokenInterval = DurationArgument(.zero)

    @Option(help: "Number of tokens of an answer; 0 for one per word.")
    var tokens = 0

    @Option(
        help: "Maximum number of requests that are answered at the same time, as OLLAMA_NUM_PARALLEL; 0 for no limit.")
    var parallel = 0

    @Option(help: "Maximum number of requests that wait for a model to load, as OLLAMA_MAX_QUEUE.")
    var queue = 512

    @Option(help: "The models that it has, as a comma-separated list. (default: any)")
    var models: String?

    @OptionGroup(title: "Logging") var logging: LogOptions

    func run() throws {
        guard tokens >= 0, parallel >= 0, queue >= 0 else {
            throw ValidationError("Give --tokens, --parallel and --queue numbers of 0 or more.")
        }
        var settings = StandInSettings()
        settings.loadTime = loadTime.duration
        settings.firstToken = firstToken.duration
        settings.tokenInterval = tokenInterval.duration
        settings.tokens = tokens
        settings.parallel = parallel
        settings.queue = queue
        settings.models = models?.split(separator: ",").map(String.init) ?? []
        let (log, writer) = try logging.logger(for: "promptd")
        defer { writer.flush() }
        try Self.serve(settings, at: try SocketAddress.resolve(host: address, port: port)[0], log: log)
    }

    /// Serves until SIGTERM or SIGINT.
    private static func serve(_ settings: StandInSettings, at address: SocketAddress, log: Logger) throws {
        let status: CInt = try EventLoop().run { loop in
            var limits = Limits()
            limits.bodyBytes = 1 << 40  // Ollama has no limit
            limits.bufferedBytes = 1 << 40
            let server = Server(StandIn(settings, on: loop, log: log), limits: limits, on: loop, log: log)
            do {
                let bound = try server.listen(on: address)
                log.info("standing in for Ollama", metadata: ["address": "\(bound)"])
                let stop = Latch(on: loop)
                let signals = try [SIGTERM, SIGINT].map { number in
                    try LoopSignal(number, on: loop) { stop.open() }
                }
                await stop.wait()
                withExtendedLifetime(signals) {}
                return 0
            } catch {
                log.critical("\(error): choose another port with --port.")
                return 1
            }
        }
        if status != 0 { throw ExitCode(status) }
    }
}
