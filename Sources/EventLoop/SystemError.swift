import Glibc

/// The system's descriptions of its error numbers.
package enum SystemError {
    /// The sentence for an `errno`, such as `Connection refused`. Source: strerror(3).
    package static func description(of errno: CInt) -> String { unsafe String(cString: strerror(errno)) }
}
