internal import CLibevent
public import EventLoop

/// What a client trusts, and who it is, when it speaks TLS. Usable on any thread.
///
/// `@unchecked Sendable`: the handle never changes, and what it points to is an SSL_CTX, which is only read after it was
/// made and counts its references atomically. Source: SSL_CTX_new(3ssl).
///
/// `@safe`: the handle is freed once, by `deinit`.
@safe public final class TLSClientContext: @unchecked Sendable {
    let handle: OpaquePointer

    /// The client's own certificate and its key, in files with PEM.
    public struct Identity: Sendable {
        /// The certificate, and those that lead to a trusted one.
        public var certificateFile: String
        public var keyFile: String

        public init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// Reads files, so it blocks.
    ///
    /// - Parameters:
    ///   - caFile: certificates that are trusted, as PEM; `nil`: those of the system.
    ///   - identity: for servers that ask for a client's certificate.
    /// - Throws: `TLSMistake`.
    public init(caFile: String? = nil, identity: Identity? = nil) throws(TLSMistake) {
        unsafe handle = unsafe try TLSMistake.check {
            unsafe shim_tls_client_context(caFile, identity?.certificateFile, identity?.keyFile, $0, $1)
        }
    }

    deinit { unsafe shim_tls_context_free(handle) }

    /// Trusts what the system trusts, or the file that SSL_CERT_FILE names. Read when it is used first.
    public static let system: TLSClientContext = {
        do throws(TLSMistake) { return try TLSClientContext() } catch { fatalError("\(error)") }
    }()
}

/// The server at the other end of an origin's connections, as TLS sees it: the name that its certificate must have, and the
/// session that the next connection resumes. Belongs to the loop's thread.
///
/// `@safe`: the handle is freed once, by `deinit`; streams keep what it points to.
@safe final class TLSPeer {
    let handle: OpaquePointer

    /// - Parameter host: a name or a numeric address, without brackets.
    init(_ host: String, _ context: TLSClientContext) {
        guard let handle = unsafe shim_tls_peer_new(context.handle, host) else {
            fatalError("there is no memory for the name of a server")
        }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe shim_tls_peer_free(handle) }
}
