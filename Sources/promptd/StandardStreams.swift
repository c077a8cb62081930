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
    static func printError(_ line: String) { write(Array((line + "\n").utf8), to: STDERR_FILENO) }

    /// Writes all of `bytes`, and waits until that is possible.
    ///
    /// - Returns: false when the system refuses to write, as on a full disk.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
            }
            if count > 0 {
                written += count
            } else if errno == EAGAIN {  // somebody else has made the terminal non-blocking
                var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&wait, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
