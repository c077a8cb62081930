import Glibc

/// The system's words for an `errno`.
func describe(errno: CInt) -> String { unsafe String(cString: strerror(errno)) }
