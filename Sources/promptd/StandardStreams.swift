import Glibc

/// Standard input, output and error.
enum StandardStreams {
    /// Opens /dev/null as each one that the parent process has left closed. Otherwise the next file or socket would get
    /// its number, and log lines would go there.
    static func open() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe Glibc.open("/dev/null", O_RDWR)  // gets the lowest number that is free
        }
    }

    /// Prints a line to standard error.
    static func printError(_ line: String) {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress!, $0.count) }
            if count < 0 && errno != EINTR { return }
            bytes = bytes.dropFirst(max(count, 0))
        }
    }
}
