import CLibevent
import Glibc

/// The system's descriptions of its error numbers.
package enum SystemError {
    /// The sentence for an `errno`, such as `Connection refused`, or for an error of TLS that stands in its place. Source:
    /// strerror(3); X509_verify_cert_error_string(3ssl).
    package static func description(of errno: CInt) -> String {
        guard let text = unsafe shim_tls_error_text(errno) else { return unsafe String(cString: strerror(errno)) }
        let isUntrusted = errno & CInt(SHIM_TLS_UNTRUSTED) != 0
        let words = unsafe String(cString: text)
        return isUntrusted ? "the certificate is not trusted: \(words)" : "TLS: \(words)"
    }
}
