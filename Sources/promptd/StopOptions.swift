import ArgumentParser
import FunctionHost

/// Options for how the server stops.
struct StopOptions: ParsableArguments {
    @Option(
        help: "How long requests in flight may take to finish after SIGTERM; after SIGINT at most 4s. (default: 25s)",
        transform: DurationArgument.init(flag:))
    var drain: DurationArgument?

    @Option(
        help: """
            The part of the drain time in which new connections are still accepted while readiness is 503, so that a load \
            balancer can notice it; after SIGINT at most half of the time. (default: 0)
            """, transform: DurationArgument.init(flag:))
    var grace: DurationArgument?

    func settings() throws -> FunctionServer.Drain {
        let standard = FunctionServer.Drain()
        let drain = try Environment.duration(drain, "drain", default: standard.limit)
        let grace = try Environment.duration(grace, "grace", default: standard.grace)
        guard grace == .zero || grace < drain else {
            throw ValidationError("Give --grace less time than --drain, which it is a part of.")
        }
        return FunctionServer.Drain(limit: drain, grace: grace)
    }
}
