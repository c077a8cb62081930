import HTTPServer
import TestSupport
import Testing

@testable import promptd

/// How many connections the limit of open files allows.
struct `The file budget` {
    private func budget(
        _ limit: Int, connections: Int = 16_384, maxInFlight: Int = 0, hosts: Int = 1, isEmbedded: Bool = false
    ) -> FileBudget {
        var limits = Limits()
        limits.connections = connections
        return FileBudget(limit: limit, for: limits, maxInFlight: maxInFlight, hosts: hosts, isEmbedded: isEmbedded)
    }

    // 192 files are for the reserve, for rejected connections, and for promptd itself.
    static let cases: [(limit: Int, maxInFlight: Int, hosts: Int, isEmbedded: Bool, connections: Int)] = [
        (1024, 0, 1, false, 416),  // each may hold a prompt
        (1024, 256, 1, false, 576),
        (1024, 100, 3, false, 532),
        (1024, 100, 100, false, 416),  // more prompts than there are connections
        (1024, 416, 1, false, 416),
        (1024, 415, 1, false, 417),
        (1024, 0, 1, true, 277),  // and Ollama's end of each
        (1024, 256, 1, true, 320),
        (1_048_576, 0, 1, false, 16_384),
        (1_048_576, 256, 8, true, 16_384),
    ]

    @Test(arguments: cases.indices)
    func `allows what fits`(index: Int) {
        let (limit, maxInFlight, hosts, isEmbedded, connections) = Self.cases[index]
        let budget = budget(limit, maxInFlight: maxInFlight, hosts: hosts, isEmbedded: isEmbedded)
        #expect(budget.connections == connections)
        #expect(budget.files <= limit)
        #expect(budget.reservedConnections == 64)
    }

    @Test func `takes all of the limit and no more, whatever is asked`() {
        for limit in stride(from: 256, through: 40_000, by: 97) {
            for maxInFlight in [0, 1, 16, 256, 5000] {
                for hosts in 1...3 {
                    let budget = budget(limit, connections: 1 << 20, maxInFlight: maxInFlight, hosts: hosts)
                    #expect((limit - 1...limit).contains(budget.files))
                }
            }
        }
    }

    @Test func `fewer connections are left as they are`() {
        let budget = budget(4096, connections: 10, maxInFlight: 256)
        #expect(budget.connections == 10)
        #expect(budget.files == 10 + 10 + 136)
    }

    @Test func `a small limit keeps a small reserve, and some connections`() {
        #expect(budget(256).reservedConnections == 16)
        #expect(budget(256).connections == 56)
        #expect(budget(64).connections == 16)
        #expect(budget(0).connections == 16)
    }
}
