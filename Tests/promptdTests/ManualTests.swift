import Foundation
import TestSupport
import Testing

@testable import promptd

/// What is printed from the declarations of the flags.
@Suite(.timeLimit(.minutes(1))) struct `The manual and the schema` {
    @Test func `the manual has each command and each flag, and is roff`() async throws {
        let result = try await Promptd.run(["manual"])
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first?.hasPrefix(".TH PROMPTD 1 ") == true && lines.last == "")
        for setting in Setting.all where !setting.isSecret {
            let flag = "\\fB\\-\\-\(setting.name.replacing("-", with: "\\-"))\\fR"
            #expect(lines.contains { $0.hasPrefix(flag) }, "\(flag)")
        }
        for command in ["SERVE", "CONFIG", "ASK", "CHAT", "TOP", "PROBE", "LOAD", "KEY", "MANUAL"] {
            #expect(lines.contains(".SH \(command)"), "\(command)")
        }
        // Only requests begin with a dot or a quote, and no empty line breaks a paragraph.
        let requests: Set = ["TH", "SH", "SS", "TP", "PP", "B", "RI", "br"]
        for line in lines.dropLast() {
            let isRequest = line.first == "." && requests.contains(String(line.dropFirst().prefix { $0 != " " }))
            #expect(isRequest || (!line.isEmpty && line.first != "." && line.first != "'"), "\(line)")
        }
    }

    @Test func `the schema admits what the file may have, and says what it means`() async throws {
        let result = try await Promptd.run(["config", "schema"])
        let schema = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        let properties = try #require(schema["properties"] as? [String: [String: Any]])
        #expect(Set(properties.keys) == Set(Setting.all.map(\.name)))
        #expect(schema["additionalProperties"] as? Bool == false)
        #expect(properties.values.allSatisfy { ($0["description"] as? String)?.isEmpty == false })
        #expect(properties["adaptive"]?["type"] as? [String] == ["boolean", "null"])
    }
}
