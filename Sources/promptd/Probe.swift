import ArgumentParser

/// `promptd probe`
struct Probe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a running promptd's health: for exec probes and container health checks.",
        discussion: "Exits with 0 when the check succeeds, else with 1 and the reason on standard error.")

    enum Check: String, ExpressibleByArgument, CaseIterable {
        case liveness, readiness
    }

    @Argument(help: "What to check.")
    var check: Check = .readiness

    @Option(help: "The URL of promptd. [PROMPTD_URL] (default: http://127.0.0.1:8080)")
    var url: String?

    @Option(help: "How long to wait for the answer.")
    var timeout: DurationArgument = DurationArgument(.seconds(1))

    func run() throws {
        let request = try SingleRequest(url: url)
        let (status, body) = try request.send("GET", to: "/health/\(check.rawValue)", within: timeout.duration)
        let text = String(decoding: body, as: UTF8.self)
        guard status == 200 else { throw StartError("\(status): \(text)") }
        print(text)
    }
}
