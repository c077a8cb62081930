import Foundation
import TestSupport
import Testing

/// A whole promptd under failing Ollamas, and under SIGTERM in the midst of work: `scripts/chaos` in small.
@Suite(.seeded, .serialized, .timeLimit(.minutes(2))) struct `Chaos among Ollamas` {
    /// What a load run found.
    private struct Found: Decodable {
        struct Failure: Decodable {
            var kind: String
            var count: Int
            var example: String?
        }

        var requests, answered, failed, resent, givenUp: Int
        var failures: [Failure]

        /// Errors that do not say what is wrong.
        var dishonest: [Failure] {
            failures.filter { failure in
                let says = failure.example?.contains(/\.("})?\n?$/) ?? false
                return !says || !["status 502", "status 503", "status 504", "answer failed"].contains(failure.kind)
            }
        }
    }

    private static func load(_ name: String, _ url: String, _ arguments: String...) async throws -> Found {
        let result = try await Promptd.run(
            [
                "load", url, "--json", "--prompt", "I am \(name) number {n} of all.",
                "--expect", "from promptd's stand-in for Ollama. You asked: I am \(name) number {n} of all.",
            ] + arguments)
        return try JSONDecoder().decode(Found.self, from: Data(result.output.utf8))
    }

    @Test func `each prompt gets one right answer or one honest error, and all attempts are accounted for`()
        async throws
    {
        let chaos = try await ChaosFixture()
        let isOver = Gate()
        @Sendable func ask(_ form: String) async throws -> [Found] {
            var all: [Found] = []
            repeat {
                all.append(
                    try await Self.load(
                        "\(form) \(all.count)", chaos.url, form, "--count", "60", "--rate", "40", "--connections", "60")
                )
            } while !isOver.isOpen
            return all
        }
        async let whole = ask("--whole"), streams = ask("--stream")
        do {
            async let kills: Void = chaos.kill(), hangs: Void = chaos.hang(), restarts: Void = chaos.restart()
            _ = try await (kills, hangs, restarts)
        } catch {
            isOver.open()
            await chaos.end()
            throw error
        }
        isOver.open()
        var found = try await whole + streams
        // Once nothing fails any more, nothing fails; it takes breakers a while to learn of it.
        repeat {
            found.append(try await Self.load("after \(found.count)", chaos.url, "--count", "60", "--rate", "200"))
        } while found.last!.failed > 0
        try await chaos.untilIdle()
        chaos.server.signal(SIGTERM)
        let (status, _, log) = try await chaos.server.finish()
        #expect(status == 0)
        let questions = await chaos.questions
        await chaos.end()
        Self.account(found, questions, log)
    }

    /// Holds what clients, promptd and stand-ins counted against each other. Source: scripts/chaos, which explains it.
    private static func account(_ found: [Found], _ questions: [Substring], _ log: String) {
        func lines(_ text: String) -> Int { ChaosFixture.lines(with: text, of: log).count }
        let sent = found.reduce(0) { $0 + $1.requests }, answered = found.reduce(0) { $0 + $1.answered }
        #expect(found.allSatisfy { $0.requests == 60 && $0.answered + $0.failed == 60 })
        #expect(found.allSatisfy { $0.resent + $0.givenUp == 0 })
        #expect(found.flatMap(\.dishonest).isEmpty, "\(found.flatMap(\.dishonest))")
        let failures = lines(" prompt failed "), asked = lines(" prompt failed cause=\"ollama: ")
        #expect(sent - answered == failures)
        let distinct = Set(questions).count
        let again = lines(" retrying after a failure ") + lines(" resending on a new connection ")
        let refused =
            lines(" retrying after a failure cause=\"ollama: cannot connect: ")
            + lines(" prompt failed cause=\"ollama: cannot connect: ")
        #expect(answered <= distinct && distinct <= sent)
        #expect(questions.count - distinct <= again)
        #expect(questions.count <= answered + asked + again - refused)
        #expect(again > 0 && answered > 0)
        #expect(log.contains(/\ draining .*in-flight=0 .*requests=0 waiting=0\n/))
        #expect(log.contains(/\ stopped in-flight=0 waiting=0\n/))
    }

    @Test(arguments: [true, false])
    func `at SIGTERM streams and prompts that wait finish, or are cut for all to see`(isInTime: Bool) async throws {
        let (standIn, address) = try await Promptd.standIn(["--token-interval", "50ms"])
        let (server, url) = try await Promptd.serve(
            ["--max-in-flight", "20", "--ready-queue", "40", "--drain", isInTime ? "60s" : "200ms"],
            environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        async let streams = Self.load("stream", url, "--at-once", "20", "--stream")
        try await Promptd.untilAsked(standIn, times: 20)
        standIn.signal(SIGSTOP)  // so that none ends before the signal comes
        async let others = Self.load("other", url, "--at-once", "40")
        try await Promptd.untilReadiness("waiting", at: url)
        server.signal(SIGTERM)
        _ = try await server.line(with: " draining ")
        standIn.signal(SIGCONT)
        let (status, _, log) = try await server.finish()
        let (streamed, waited) = try await (streams, others)
        #expect(log.contains(/\ draining .*in-flight=20 .*requests=60 waiting=40\n/))
        if isInTime {
            #expect(status == 0 && log.contains(" stopped in-flight=0 waiting=0\n"))
            #expect(streamed.answered == 20 && streamed.failed == 0)
            #expect(waited.answered == 40 && waited.failed == 0 && waited.resent == 0)
        } else {
            #expect(status == 1 && log.contains("drain timed out: requests were cut requests=60"))
            #expect(streamed.failures.map(\.kind) == ["cut within the reply"] && streamed.failed == 20)
            #expect(waited.answered == 0 && waited.failed == 40)
        }
    }
}
