import FoundationEssentials

extension LoadReport {
    /// The report as one JSON object on one line.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// The report as lines of text for people. The last line has no line end.
    var text: String {
        var lines = ["\(url): \(requests) requests in \(Self.number(seconds)) s on \(connections) connections"]
        lines.append("  answered  \(answered), \(Self.number(requestsPerSecond)) requests/s")
        if let tokens, let tokensPerSecond {
            lines.append("  tokens    \(tokens), \(Self.number(tokensPerSecond)) tokens/s")
        }
        if connectionsOpened > connections {
            lines.append("  opened    \(connectionsOpened) connections: some were closed")
        }
        if resent > 0 { lines.append("  resent    \(resent), because a reused connection was closed") }
        if givenUp > 0 { lines.append("  given up  \(givenUp), because the run was ended") }
        if connectionsOpened == 0, failed > 0 {
            lines.append("  no connection could be opened: is the server running there?")
        }
        lines += table
        lines.append(failures.isEmpty ? "  no errors" : "  errors    \(failed)")
        for failure in failures {
            let example = failure.example.map { ": " + Self.line($0) } ?? ""
            lines.append("  \(Self.padded("\(failure.count)", 10))  \(failure.kind)\(example)")
        }
        if ownCores > 0.9 {
            lines.append("  note: the load tool used \(ownCores) cores: it may have limited the result.")
        }
        return lines.joined(separator: "\n")
    }

    private var table: [String] {
        let rows: [(String, Times?)] = [
            ("connecting", connectingMilliseconds), ("first token", firstTokenMilliseconds),
            ("between tokens", tokenGapMilliseconds), ("whole answer", answerMilliseconds),
        ]
        let heads = ["p50", "p75", "p90", "p99", "p99.9", "max", "mean"].map { Self.padded($0, 10) }.joined()
        let lines = rows.compactMap { name, times -> String? in
            guard let times else { return nil }
            let values = [times.p50, times.p75, times.p90, times.p99, times.p999, times.max, times.mean]
            let name = "  " + name + String(repeating: " ", count: 16 - name.utf8.count)
            return name + values.map { Self.padded(Self.number($0), 10) }.joined()
        }
        return lines.isEmpty ? [] : ["  milliseconds    " + heads] + lines
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.utf8.count)) + text
    }

    /// The number, rounded to the digits that matter.
    static func number(_ value: Double) -> String {
        if value >= 100 || value == 0 { return "\(Int(value.rounded()))" }
        let thousandths = Int(((value < 10 ? value * 1000 : (value * 10).rounded() * 100)).rounded())
        let fraction = "\(1000 + thousandths % 1000)".dropFirst().prefix(value < 10 ? 3 : 1)
        return "\(thousandths / 1000).\(fraction)"
    }

    /// The server's text on one line, without characters that would control a terminal.
    private static func line(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
        return String(String.UnicodeScalarView(scalars)).split(separator: " ").joined(separator: " ")
    }
}
