import Foundation

/// A program that runs beside the test. Ended by its process id when the test is through with it.
///
/// `@unchecked Sendable`: what a thread of its own gathers is behind a lock.
public final class Command: @unchecked Sendable {
    private let process = Process()
    private let errors = Pipe()
    private let output = Pipe()
    private let condition = NSCondition()
    private var errorText = ""
    private var outputText = ""
    private var openPipes = 2

    /// Starts `program` with an environment of nothing but a path and `environment`.
    public init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin"].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        gather(errors) { $0.errorText += $1 }
        gather(output) { $0.outputText += $1 }
    }

    deinit { end() }

    private func gather(_ pipe: Pipe, _ append: @escaping @Sendable (Command, String) -> Void) {
        let handle = pipe.fileHandleForReading
        let thread = Thread { [weak self] in
            while true {
                let data = handle.availableData
                guard let self else { return }
                self.condition.withLock {
                    if data.isEmpty { self.openPipes -= 1 } else { append(self, String(decoding: data, as: UTF8.self)) }
                    self.condition.broadcast()
                }
                if data.isEmpty { return }
            }
        }
        thread.start()
    }

    public var identifier: Int32 { process.processIdentifier }

    /// What it has said on standard error so far.
    public var log: String { condition.withLock { errorText } }

    /// Waits until standard error has `text`; returns the whole line.
    public func line(with text: String, within seconds: Double = 20) async throws -> String {
        try await offLoop { [self] in
            let end = Date(timeIntervalSinceNow: seconds)
            return try condition.withLock {
                while true {
                    let lines = errorText.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                    if let line = lines.first(where: { $0.contains(text) }) { return String(line) }
                    guard openPipes > 0, condition.wait(until: end) else { throw TimedOut("\(text) in: \(errorText)") }
                }
            }
        }
    }

    public func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for its end.
    public func finish(within seconds: Double = 20) async throws -> (status: Int32, output: String, errors: String) {
        try await offLoop { [self] in
            let end = Date(timeIntervalSinceNow: seconds)
            try condition.withLock {
                while openPipes > 0 {
                    guard condition.wait(until: end) else { throw TimedOut("the end of \(process.arguments ?? [])") }
                }
            }
            process.waitUntilExit()
            return condition.withLock { (process.terminationStatus, outputText, errorText) }
        }
    }

    /// Ends it at once, if it still runs.
    public func end() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// Runs a program to its end.
    public static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String, errors: String) {
        try await Command(program, arguments, environment: environment).finish()
    }

    /// A product of this package, which lies beside the tests' own.
    public static func product(_ name: String) -> String {
        let tests = CommandLine.arguments[0]
        let folder = tests.contains(".xctest") ? (tests as NSString).deletingLastPathComponent : Bundle.main.bundlePath
        return folder + "/" + name
    }
}
