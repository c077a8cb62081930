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
}
