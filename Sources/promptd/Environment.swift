import ArgumentParser
import Glibc

/// What the environment says where the command line says nothing.
enum Environment {
    /// A variable's value; an empty one counts as absent.
    static func text(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// A variable's value as the flag of the same meaning would read it.
    ///
    /// - Throws: `ValidationError` that names the variable and what it should be.
    static func value<Value: ExpressibleByArgument>(_ name: String, _ expected: String) throws -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = Value(argument: text) else {
            throw ValidationError("The environment variable \(name) is '\(text)': give \(expected).")
        }
        return value
    }

    /// The flag, else the variable, else the default.
    static func setting<Value: ExpressibleByArgument>(
        _ flag: Value?, _ name: String, _ expected: String, default standard: Value
    ) throws -> Value {
        if let flag { return flag }
        return try value(name, expected) ?? standard
    }
}
