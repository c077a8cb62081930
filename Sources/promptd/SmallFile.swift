import Glibc

/// Reads small files: the kernel's, and those that operators write, such as settings and keys.
///
/// Without Foundation, whose reader of files alone takes a megabyte of memory, leaks a page for a file that says it is
/// empty, and does not return from one that has no end.
enum SmallFile {
    /// The most bytes that a file may have.
    static let limit = 4 << 20

    /// U+FEFF in UTF-8.
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// How many milliseconds the next bytes of a pipe may take.
    private static let pipeWait: CInt = 5000

    /// The whole file, without the byte order mark with which some editors begin one. Blocks: as long as the server runs, only Dispatch may read a file that is not the kernel's.
    ///
    /// - Returns: `nil` if it cannot be read, or is longer than `limit`.
    static func bytes(_ path: String) -> [UInt8]? {
        // A pipe that nobody writes to must not be waited for: it would never end.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            var result = 0
            bytes += unsafe [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                result = unsafe read(descriptor, buffer.baseAddress!, buffer.count)
                count = max(0, result)
            }
            if result == 0 { return bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes }
            if result < 0 && errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard unsafe poll(&ready, 1, pipeWait) > 0 else { return nil }
                continue
            }
            guard result > 0 || errno == EINTR else { return nil }
        }
        return nil
    }

    /// The same, as text.
    static func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }
}
