import ArgumentParser
import EventLoop
import HTTPClient

/// `promptd load`
struct Load: ParsableCommand {
    /// The most connections that one process may open to one address: slightly fewer than its local ports.
    static let maximumConnections = 20_000

    static let configuration = CommandConfiguration(
        abstract: "Put load on a running promptd and measure it.",
        discussion: """
            Opens all connections first, then sends prompts. Without --rate each connection sends its next prompt as soon as \
            it has its answer (closed loop); with --rate N, N prompts are sent each second (open loop). Times count \
            from the moment at which a request was due, so the time that it waits for a free connection counts too. \
            Requests go to URL and nowhere else: redirects are errors.

            In --prompt, --model and --expect, {n} stands for the number of the request, from 1: with \
            --prompt 'number {n}.' --expect 'number {n}.' every client must get its own answer.

            Tokens are the events of a stream that have text, or its chunks with --stream-text; tokens that arrive together \
            have no time between them. Without --count, --duration and --at-once it runs for 10 seconds.

            Ctrl-C ends the run and prints what was measured so far; a second Ctrl-C ends the process at once.

            Exits with 0 when nothing failed, with 1 when something failed, and with 64 for a mistake in the flags.
            """)

    @Argument(help: "Where to send the prompts: http://HOST[:PORT][/PATH].")
    var url: String

    @Option(name: .shortAndLong, help: "Number of connections, 1 to 20000.")
    var connections = 64

    @Option(help: "Requests per second, whether the answers keep up or not. (default: as fast as answers come)")
    var rate: Double?

    @Option(
        name: .shortAndLong, help: "How long to send requests; 0 for no limit. (default: 10s, or 0 with --count)",
        transform: DurationArgument.init(flag:))
    var duration: DurationArgument?

    @Option(
        name: [.long, .customShort("n")],
        help: "Number of requests to send; with --duration, the run ends at whichever limit comes first.")
    var count: Int?

    @Option(help: "Number of prompts to send at once: opens as many connections, then sends one prompt on each.")
    var atOnce: Int?

    @Option(help: "How long it takes to reach the full load: connections begin one by one, or the rate rises.")
    var ramp = DurationArgument(.zero)

    @Option(help: "How long a request may take; 0 for no limit.")
    var timeout = DurationArgument(.seconds(120))

    @Flag(help: "The form of the answers: whole, server-sent events, or text piece by piece.")
    var form = AnswerReader.Form.whole

    @Option(help: "What to ask.")
    var prompt = "Why is the sky blue?"

    @Option(help: "The model to ask. (default: the server's)")
    var model: String?

    @Option(help: "Text that each answer must contain.")
    var expect: String?

    @Option(
        name: [.long, .customShort("H")],
        help: "A header field for every request, such as 'X-API-Key: KEY'; may be repeated.")
    var header: [HeaderArgument] = []

    @Flag(help: "Print the result as one JSON object; times are in milliseconds.")
    var json = false

    /// The plan that the options describe.
    ///
    /// - Throws: `ValidationError` that says what to give.
    func plan() throws -> LoadPlan {
        let server = try ServerURL(url, how: "http://HOST:PORT")
        let connections = atOnce ?? connections
        guard 1...Self.maximumConnections ~= connections else {
            throw ValidationError("Give --connections or --at-once a number from 1 to \(Self.maximumConnections).")
        }
        guard atOnce == nil || (rate == nil && count == nil) else {
            throw ValidationError(
                "--at-once sets the number of prompts and when they are sent: do not give --rate or --count with it.")
        }
        guard rate.map({ $0 > 0 && $0 <= 1e6 }) ?? true else {
            throw ValidationError("Give --rate a number above 0, up to 1000000.")
        }
        guard (count ?? 1) > 0 else { throw ValidationError("Give --count a number above 0.") }
        let count = atOnce ?? count
        let duration = duration?.duration ?? (count == nil ? .seconds(10) : .zero)
        guard count != nil || duration > .zero else {
            throw ValidationError("Without --count the run would never end: give --duration something above 0.")
        }
        let schedule = Schedule(
            pace: rate.map(Schedule.Pace.rate) ?? .asAnswered, count: count,
            duration: duration > .zero ? duration : nil, ramp: ramp.duration)
        return LoadPlan(
            server, connections: connections, schedule: schedule, form: form, timeout: timeout.duration, prompt: prompt,
            model: model, expected: expect, fields: header.map { ($0.name, $0.value) })
    }

    func run() throws {
        let plan = try plan()
        if let files = OpenFiles.raiseLimit(), files < plan.files {
            throw ValidationError(
                """
                \(plan.connections) connections need \(plan.files) open files, but the limit is \(files): give \
                --connections \(max(1, files - (plan.files - plan.connections))) or fewer, or raise the limit (ulimit -Hn).
                """)
        }
        let isJSON = json
        let report = try EventLoop().run { loop in
            let run = LoadRun(plan, on: loop)
            let progress = ProgressLine(of: run)
            let measured = await run.run()
            progress?.clear()
            return LoadReport(
                plan, measured, connectionsOpened: run.origin.connectionsOpened, resent: run.origin.requestsResent)
        }
        print(isJSON ? report.json : report.text)
        if report.failed > 0 { throw ExitCode(1) }
    }
}

extension AnswerReader.Form: EnumerableFlag {
    static func name(for value: Self) -> NameSpecification {
        switch value {
        case .whole: .customLong("whole")
        case .events: .customLong("stream")
        case .text: .customLong("stream-text")
        }
    }
}
