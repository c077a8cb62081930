import Glibc

/// Reads files of the kernel's, which are small. Blocks, if only for a moment.
enum SmallFile {
    /// The first 64 KiB of a file. Without Foundation, whose reader of files alone takes a megabyte of memory.
    static func text(_ path: String) -> String? {
        guard let file = unsafe fopen(path, "re") else { return nil }
        defer { unsafe fclose(file) }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = unsafe fread(buffer.baseAddress!, 1, buffer.count, file)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
