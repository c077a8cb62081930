import Foundation
import Glibc

/// A program that runs beside the test. Ended by its process id when the test is through with it.
///
/// By posix_spawn(3): Foundation's `Process` copies directory entries past the end of their page when many descriptors
/// are open, and starts programs with the signals blocked that libdispatch blocks.
///
/// `@unchecked Sendable`: `condition` is held wherever `errorText`, `outputText`, `openPipes` and `status` are used, but
/// in `deinit`, which is alone.
package final class Command: @unchecked Sendable {
    package let identifier: Int32
    private let arguments: [String]
    private let condition = NSCondition()
    private var errorText = ""
    private var outputText = ""
    private var openPipes = 2
    private var status: Int32?

    /// What a sanitizer needs in every process: without it, what it finds in a program beside the test is not seen.
    private static let sanitizerVariables = ProcessInfo.processInfo.environment.filter {
        ["LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"].contains($0.key)
    }

    /// Starts `program` with an environment of nothing but a path, `environment`, and what a sanitizer needs.
    package init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        self.arguments = arguments
        let (output, outputEnd) = try Self.pipe()
        let (errors, errorsEnd) = try Self.pipe()
        defer { [outputEnd, errorsEnd].forEach { close($0) } }
        let variables = ["PATH": "/usr/bin:/bin"].merging(Self.sanitizerVariables) { $1 }
            .merging(environment) { $1 }.map { "\($0)=\($1)" }
        do {
            identifier = try Self.spawn([program] + arguments, variables, outputEnd, errorsEnd)
        } catch {
            [output, errors].forEach { close($0) }
            throw error
        }
        gather(errors) { $0.errorText += $1 }
        gather(output) { $0.outputText += $1 }
    }

    deinit {
        end()
        if status == nil { waitpid(identifier, nil, 0) }
    }

    private static func pipe() throws -> (read: CInt, write: CInt) {
        var ends: [CInt] = [0, 0]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw POSIXError(.EMFILE) }
        return (ends[0], ends[1])
    }

    private static func spawn(
        _ arguments: [String], _ variables: [String], _ output: CInt, _ errors: CInt
    ) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2)
        _ = unsafe closeFrom(&actions, 3)  // other tests' sockets must end when they are closed
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
        let envp = unsafe variables.map { unsafe strdup($0) } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var identifier: pid_t = 0
        let code = unsafe posix_spawn(&identifier, arguments[0], &actions, &attributes, argv, envp)
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
        return identifier
    }

    private func gather(_ pipe: CInt, _ append: @escaping @Sendable (Command, String) -> Void) {
        let thread = Thread { [weak self] in
            defer { close(pipe) }
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while true {
                let count = unsafe read(pipe, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard let self else { return }
                self.condition.withLock {
                    if count <= 0 {
                        self.openPipes -= 1
                    } else {
                        append(self, String(decoding: buffer[..<count], as: UTF8.self))
                    }
                    self.condition.broadcast()
                }
                if count <= 0 { return }
            }
        }
        thread.start()
    }

    /// What it has said on standard error so far.
    package var log: String { condition.withLock { errorText } }

    /// Waits until standard error has `text`, in as many lines as `count`; returns the last of these lines, whole.
    package func line(with text: String, count: Int = 1, within seconds: Double = Double(patience)) async throws
        -> String
    {
        try await offLoop { [self] in
            let end = Date(timeIntervalSinceNow: seconds)
            return try condition.withLock {
                var (read, found) = (0, 0)  // a log of thousands of lines is read once
                while true {
                    var rest = errorText.utf8.dropFirst(read)
                    while let lineEnd = rest.firstIndex(of: 0x0A) {
                        let line = Substring(rest[..<lineEnd])
                        if line.contains(text) { found += 1 }
                        if found == count { return String(line) }
                        read += line.utf8.count + 1
                        rest = rest[rest.index(after: lineEnd)...]
                    }
                    guard openPipes > 0, condition.wait(until: end) else { throw TimedOut("\(text) in: \(errorText)") }
                }
            }
        }
    }

    /// Waits until standard output has `text`.
    package func untilOutput(_ text: String, within seconds: Double = Double(patience)) async throws {
        try await offLoop { [self] in
            let end = Date(timeIntervalSinceNow: seconds)
            try condition.withLock {
                while !outputText.contains(text) {
                    guard openPipes > 0, condition.wait(until: end) else { throw TimedOut("\(text) in: \(outputText)") }
                }
            }
        }
    }

    package func signal(_ number: Int32) { kill(identifier, number) }

    /// Waits for its end. The status of one that a signal ended is negative.
    package func finish(within seconds: Double = Double(patience)) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        try await offLoop { [self] in
            let end = Date(timeIntervalSinceNow: seconds)
            return try condition.withLock {
                while openPipes > 0 {
                    guard condition.wait(until: end) else { throw TimedOut("the end of \(arguments)") }
                }
                if status == nil {
                    var word: Int32 = 0
                    unsafe waitpid(identifier, &word, 0)
                    status = word & 0x7F == 0 ? word >> 8 & 0xFF : -(word & 0x7F)
                }
                return (status!, outputText, errorText)
            }
        }
    }

    /// Ends it at once, if it still runs.
    package func end() {
        condition.withLock {
            if status == nil { _ = kill(identifier, SIGKILL) }
        }
    }

    /// Runs a program to its end.
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String, errors: String) {
        try await Command(program, arguments, environment: environment).finish()
    }

    /// One of the programs in Python that lie beside this file.
    package static func program(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Programs/" + name).path
    }

    /// A product of this package, which lies beside the tests' own.
    package static func product(_ name: String) -> String {
        let tests = CommandLine.arguments[0]
        let folder = tests.contains(".xctest") ? (tests as NSString).deletingLastPathComponent : Bundle.main.bundlePath
        return folder + "/" + name
    }
}

// Swift's Glibc module leaves GNU's additions out. Source: pipe(2), posix_spawn_file_actions_addclosefrom_np(3).
@_silgen_name("pipe2")
private func pipe2(_ ends: UnsafeMutablePointer<CInt>, _ flags: CInt) -> CInt

@_silgen_name("posix_spawn_file_actions_addclosefrom_np")
private func closeFrom(_ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>, _ first: CInt) -> CInt
