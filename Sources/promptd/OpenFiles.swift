import Glibc

/// The limit of open files.
enum OpenFiles {
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
