/// The memory that the process's control groups allow it, as a container sets it.
enum MemoryLimit {
    /// The smallest limit of the process's groups, in bytes; `nil` if there is none. Source: cgroups(7), the kernel's
    /// cgroup-v2.rst and cgroup-v1/memory.rst.
    ///
    /// - Parameter root: the root of the file system, for tests.
    static func current(root: String = "") -> Int? {
        guard let groups = SmallFile.text(root + "/proc/self/cgroup") else { return nil }
        return groups.split(separator: "\n").compactMap { line -> Int? in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else { return nil }
            if parts[1].isEmpty { return limit(of: parts[2], in: root + "/sys/fs/cgroup", file: "memory.max") }
            guard parts[1].split(separator: ",").contains("memory") else { return nil }
            return limit(of: parts[2], in: root + "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes")
        }.min()
    }

    /// The smallest limit of a group and of those around it. Inside a container, the path may be that of the host, which
    /// is not to be seen: the group's own file is then at the top.
    private static func limit(of path: String, in top: String, file: String) -> Int? {
        var components = path.split(separator: "/").map(String.init)
        var limits: [Int] = []
        while true {
            let directory = ([top] + components).joined(separator: "/")
            // An unlimited group says "max", or a number close to the largest one.
            let number = SmallFile.text("\(directory)/\(file)")?.split(whereSeparator: \.isNewline).first.flatMap {
                Int($0)
            }
            if let number, number < 1 << 60 { limits.append(number) }
            if components.popLast() == nil { return limits.min() }
        }
    }
}
