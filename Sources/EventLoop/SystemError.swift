import Glibc

/// The system's own words for its error numbers.
package enum SystemError {
    /// The sentence for an `errno`, such as `Connection refused`. Source: strerror(3).
    package static func description(of errno: CInt) -> String { unsafe String(cString: strerror(errno)) }
}
