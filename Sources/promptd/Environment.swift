import ArgumentParser
import Glibc
import Synchronization

/// Reads settings from environment variables, for options that the command line does not set.
enum Environment {
    /// The variables that a task uses in place of the process's. For tests.
    @TaskLocal static var replacement: [String: String]?

    private static func raw(_ name: String) -> String? {
        if let replacement { return replacement[name] }
        return unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// The names of all variables.
    static var names: [String] {
        if let replacement { return Array(replacement.keys) }
        var names: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            names.append(String(unsafe String(cString: entry).prefix { $0 != "=" }))
            unsafe next += 1
        }
        return names
    }

    private static let file = Mutex<[String: String]>([:])

    /// Settings that count where neither the command line nor a variable sets them, by the variables' names.
    static var fromFile: [String: String] {
        get { file.withLock(\.self) }
        set { file.withLock { $0 = newValue } }
    }

    /// A variable's value, else the file's; an empty value counts as absent.
    static func text(_ name: String) -> String? {
        if let text = raw(name), !text.isEmpty { return text }
        guard let text = file.withLock({ $0[name] }), !text.isEmpty else { return nil }
        return text
    }

    /// Where a value comes from, for messages about it.
    static func source(of name: String) -> String {
        if let text = raw(name), !text.isEmpty { return "The environment variable \(name)" }
        let setting = Setting.all.first { $0.variable == name }
        return "'\(setting?.name ?? name)' in the configuration file"
    }

    /// Whether a variable sets it, and not the file.
    static func isVariable(_ name: String) -> Bool { raw(name).map { !$0.isEmpty } ?? false }

    /// Whether the variable is set, even if it is empty.
    static func isSet(_ name: String) -> Bool { raw(name) != nil }

    /// A variable's value, parsed in the same way as the corresponding flag.
    ///
    /// - Throws: `ValidationError` that names the variable and the expected value.
    static func value<Value: ExpressibleByArgument>(_ name: String, _ expected: String) throws -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = Value(argument: text) else {
            throw ValidationError("\(source(of: name)) is '\(text)': give \(expected).")
        }
        return value
    }

    /// The flag's value, else the variable's, else the default.
    static func setting<Value: ExpressibleByArgument>(
        _ flag: Value?, _ name: String, _ expected: String, default standard: Value
    ) throws -> Value {
        if let flag { return flag }
        return try value(name, expected) ?? standard
    }

    /// The name of the variable that corresponds to a promptd flag: `max-queue`, `PROMPTD_MAX_QUEUE`.
    static func name(of flag: String) -> String { "PROMPTD_" + flag.uppercased().replacing("-", with: "_") }

    /// A number setting within bounds.
    static func number(_ flag: Int?, _ name: String, from least: Int, default standard: Int) throws -> Int {
        let expected = "a number from \(least) to 1000000"
        let value = try setting(flag, Self.name(of: name), expected, default: standard)
        guard (least...1_000_000).contains(value) else { throw ValidationError("Give --\(name) \(expected).") }
        return value
    }

    /// A duration setting.
    static func duration(_ flag: DurationArgument?, _ name: String, default standard: Duration) throws -> Duration {
        try setting(flag, Self.name(of: name), DurationArgument.expected, default: DurationArgument(standard)).duration
    }

    /// A byte count setting.
    static func bytes(_ flag: ByteCount?, _ name: String, default standard: Int) throws -> Int {
        try setting(flag, Self.name(of: name), ByteCount.expected, default: ByteCount(standard)).bytes
    }

    /// A switch that is off unless the flag is given or the variable is `1` or `true`.
    static func isOn(_ flag: Bool, _ name: String) throws -> Bool {
        if flag { return true }
        switch text(Self.name(of: name)) {
        case nil, "0", "false": return false
        case "1", "true": return true
        case let other?:
            throw ValidationError("\(source(of: Self.name(of: name))) is '\(other)': give 1 or 0.")
        }
    }
}
