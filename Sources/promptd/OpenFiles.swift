import Glibc

/// The limit of open files.
enum OpenFiles {
    /// How many files are open; `nil` if the system does not say. Source: proc(5).
    static var count: Int? {
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(directory) }
        var count = -3  // `.`, `..`, and the directory itself
        while unsafe readdir(directory) != nil { count += 1 }
        return count
    }

    /// How many files may be open; `nil` if the system does not say.
    static var limit: Int? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Int(clamping: limit.rlim_cur)
    }

    /// Raises the soft limit to the hard limit. Source: getrlimit(2).
    ///
    /// - Returns: how many files may be open; `nil` if the system does not say.
    static func raiseLimit() -> Int? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }
}
