import CFuzzChecks

/// What can be fuzzed: a name, and a check of any bytes.
enum FuzzTarget: String, CaseIterable {
    case shim, head, chunked, response, lines, prompt, posted, translation, host, configuration

    /// Checks `bytes`. Only one thread at a time may call it.
    ///
    /// - Throws: what is wrong.
    func check(_ bytes: [UInt8]) throws(Finding) {
        switch self {
        case .shim: try unsafe Self.throwing(fuzz_shim(bytes, bytes.count))
        case .head: try unsafe Self.throwing(fuzz_head(bytes, bytes.count))
        case .chunked: try unsafe Self.throwing(fuzz_chunked(bytes, bytes.count))
        case .response: try ResponseCheck.check(bytes)
        case .lines: try LinesCheck.check(bytes)
        case .prompt: try PromptCheck.check(bytes)
        case .posted: try PostedCheck.check(bytes)
        case .translation: try TranslationCheck.check(bytes)
        case .host: try HostCheck.check(bytes)
        case .configuration: try ConfigurationCheck.check(bytes)
        }
    }

    private static func throwing(_ finding: UnsafePointer<CChar>?) throws(Finding) {
        if let finding = unsafe finding { throw Finding(unsafe String(cString: finding)) }
    }
}
