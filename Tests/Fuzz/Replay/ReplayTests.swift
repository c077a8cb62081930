import Foundation
import Testing

/// The corpus of the fuzzers, checked as `scripts/fuzz` checks generated inputs.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `Replay of the corpus` {
    @Test(arguments: FuzzTarget.allCases) func `every input is read as it should be`(target: FuzzTarget) throws {
        let inputs = try Self.inputs(for: target)
        #expect(inputs.count >= 15)
        for (name, bytes) in inputs {
            do throws(Finding) {
                try target.check(bytes)
            } catch {
                Issue.record("Tests/Fuzz/Corpus/\(target.rawValue)/\(name): \(error.text)")
            }
        }
    }

    @Test(arguments: FuzzTarget.allCases) func `every input is short`(target: FuzzTarget) throws {
        for (name, bytes) in try Self.inputs(for: target) { #expect(bytes.count <= 2048, "\(name)") }
    }

    private static func inputs(for target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Corpus/\(target.rawValue)").standardizedFileURL
        // Without files that are empty: Foundation leaks memory when it reads one.
        return try [("nothing", [])]
            + FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
            .map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
    }
}
