internal import CLibevent
public import EventLoop

/// The certificate of a server that speaks TLS, and what it asks of clients. Usable on any thread.
///
/// `@unchecked Sendable`: the handle never changes, and what it points to is an SSL_CTX, which counts its references and
/// guards its sessions itself. Source: SSL_CTX_new(3ssl).
///
/// `@safe`: the handle is freed once, by `deinit`.
@safe public final class TLSServerContext: @unchecked Sendable {
    let handle: OpaquePointer

    /// Reads files, so it blocks.
    ///
    /// - Parameters:
    ///   - certificateFile: the certificate and those that lead to a trusted one, as PEM.
    ///   - keyFile: the certificate's key, as PEM, without a password.
    ///   - clientCAFile: clients must show a certificate by one of those in this file; `nil`: none is asked for.
    /// - Throws: `TLSMistake`.
    public init(certificateFile: String, keyFile: String, clientCAFile: String? = nil) throws(TLSMistake) {
        unsafe handle = unsafe try TLSMistake.check {
            unsafe shim_tls_server_context(certificateFile, keyFile, clientCAFile, $0, $1)
        }
    }

    deinit { unsafe shim_tls_context_free(handle) }
}
