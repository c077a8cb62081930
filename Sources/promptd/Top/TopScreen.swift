/// Draws the state of a promptd as lines of text.
struct TopScreen {
    let width: Int
    let height: Int

    /// - Parameters:
    ///   - state: what is shown.
    ///   - before: an earlier state, for what happened since then.
    /// - Returns: at most `height` lines of at most `width` characters.
    func lines(_ state: AdminState, since before: AdminState?) -> [String] {
        var lines = summary(state, since: before) + [""] + backends(state) + [""]
        let tenants = tenants(state, room: height / 4)
        if !tenants.isEmpty { lines += tenants + [""] }
        let failures = state.failures.isEmpty ? [] : [""] + self.failures(state)
        // Prompts have what is left, but at least a few lines.
        let room = max(height - lines.count - failures.count, 4)
        lines += prompts(state, room: room) + failures
        return lines.prefix(height).map(fitted)
    }

    private func summary(_ state: AdminState, since before: AdminState?) -> [String] {
        let ready = state.ready.map { "not ready: \(Self.plain($0))" } ?? "ready"
        var rates = ""
        if let before, state.now > before.now {
            let seconds = state.now - before.now
            let tokens = (Double(state.totals.outputTokens) - Double(before.totals.outputTokens)) / seconds
            let prompts = (Double(state.totals.prompts) - Double(before.totals.prompts)) / seconds
            rates = "\(Self.short(tokens)) tokens/s, \(Self.short(prompts)) prompts/s, "
        }
        let classes = state.queue.classes.map { "\(Self.plain($0.name)) \($0.waiting)" }.joined(separator: ", ")
        let totals = state.totals
        return [
            "promptd \(Self.plain(state.version))  \(ready)  up \(Self.duration(state.uptime))",
            "\(rates)in flight \(state.prompts.count &+ state.promptsLeftOut), queued \(state.queue.waiting) of \(state.queue.limit) (\(classes))",
            "since the start: \(totals.prompts) prompts, \(totals.answered) answered, \(totals.failed) failed, \(totals.cancelled) cancelled, \(totals.retries) retries, \(totals.fallbacks) fallbacks",
            "connections \(state.connections.open ?? 0) of \(state.connections.limit), buffered \(Self.bytes(state.bufferedBytes.used ?? 0)) of \(Self.bytes(state.bufferedBytes.limit)), loop lag \(Self.duration(state.loopLag))",
        ]
    }

    private func backends(_ state: AdminState) -> [String] {
        let rows = state.backends.map { backend in
            let models = backend.models.map { (backend.running.contains($0) ? "*" : "") + Self.plain($0) }
            return [
                Self.plain(backend.url), Self.plain(backend.breaker),
                "\(backend.inFlight)" + (backend.limit > 0 ? " of \(backend.limit)" : ""),
                backend.check.map(Self.plain) ?? models.joined(separator: " "),
            ]
        }
        return table([["BACKEND", "BREAKER", "IN FLIGHT", "MODELS (* LOADED)"]] + rows)
    }

    private func tenants(_ state: AdminState, room: Int) -> [String] {
        guard let tenants = state.tenants, !tenants.isEmpty else { return [] }
        func share(_ used: Int, _ limit: Int) -> String { limit > 0 ? "\(used) of \(limit)" : "\(used)" }
        let rows = tenants.prefix(max(room, 1)).map { tenant in
            [
                Self.plain(tenant.name), Self.plain(tenant.class), share(tenant.inFlight, tenant.inFlightLimit),
                "\(tenant.waiting)", share(tenant.requests, tenant.requestsLimit),
                share(tenant.tokens, tenant.tokensLimit), "\(tenant.refused)",
            ]
        }
        return table([["TENANT", "CLASS", "IN FLIGHT", "QUEUED", "REQUESTS/MIN", "TOKENS/MIN", "REFUSED"]] + rows)
    }

    private func prompts(_ state: AdminState, room: Int) -> [String] {
        let shown = state.prompts.prefix(max(room - 2, 1))
        let rows = shown.map { prompt in
            [
                Self.plain(prompt.id), Self.plain(prompt.phase), Self.duration(prompt.age),
                prompt.firstToken.map(Self.duration) ?? "-", "\(prompt.outputTokens)", Self.plain(prompt.model ?? "-"),
                Self.plain(prompt.client), Self.plain(prompt.backend ?? "-"),
            ]
        }
        let rest = (state.prompts.count - shown.count) &+ state.promptsLeftOut
        return table([["PROMPT", "PHASE", "AGE", "FIRST TOKEN", "TOKENS", "MODEL", "CLIENT", "BACKEND"]] + rows)
            + (rest > 0 ? ["and \(rest) more"] : [])
    }

    private func failures(_ state: AdminState) -> [String] {
        let rows = state.failures.prefix(3).map { failure in
            [
                Self.duration(failure.age) + " ago", "\(failure.status)", Self.plain(failure.model ?? "-"),
                Self.plain(failure.error),
            ]
        }
        return table([["FAILED", "STATUS", "MODEL", "WHY"]] + rows)
    }

    // MARK: Text

    /// Columns of equal width, but for the last.
    private func table(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in min(rows.map { $0[column].count }.max() ?? 0, 40) }
        return rows.map { row in
            row.enumerated().map { column, text in
                let cell = column == row.count - 1 ? text : String(text.prefix(widths[column]))
                return cell + String(repeating: " ", count: max(0, widths[column] - cell.count))
            }.joined(separator: "  ")
        }
    }

    private func fitted(_ line: String) -> String {
        let line = line.prefix(width)
        return String(
            line.prefix(line.lastIndex { $0 != " " }.map { line.distance(from: line.startIndex, to: $0) + 1 } ?? 0))
    }

    /// Text from elsewhere must not control the terminal, and each character must take one column.
    static func plain(_ text: String) -> String {
        String(text.unicodeScalars.map { (0x20...0x7E).contains($0.value) ? Character($0) : "?" })
    }

    static func duration(_ seconds: Double) -> String {
        let time = min(max(seconds, 0), 1e9)  // what is said may be anything
        return switch time {
        case ..<0.9995: "\(Int((time * 1000).rounded())) ms"
        case ..<59.95: "\((time * 10).rounded() / 10) s"
        case ..<3600: "\(Int(time) / 60) min \(Int(time) % 60) s"
        default: "\(Int(time) / 3600) h \(Int(time) % 3600 / 60) min"
        }
    }

    static func bytes(_ count: Int) -> String {
        count < 10 << 10 ? "\(count) B" : count < 10 << 20 ? "\(count >> 10) KiB" : "\(count >> 20) MiB"
    }

    private static func short(_ rate: Double) -> String {
        rate < 100 ? "\((rate * 10).rounded() / 10)" : "\(Int(min(max(rate, -1e15), 1e15).rounded()))"
    }
}
