#ifndef SHIM_TLS_H
#define SHIM_TLS_H

#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// What a side of TLS knows and trusts: certificates and keys, read from files. Usable on any thread. Reference
/// counted: connections that use it keep it.
typedef struct shim_tls_context shim_tls_context;

/// Whom outbound streams reach: a name that the certificate must have, and the session that the next stream resumes.
/// Belongs to the loop's thread. Reference counted: streams keep it.
typedef struct shim_tls_peer shim_tls_peer;

/// Why a stream ended, where a callback has an errno: these numbers are above all of those. The rest of the number says
/// why the certificate is not trusted (X509_V_ERR_*), or what went wrong (SSL_R_*).
enum {
	SHIM_TLS_UNTRUSTED = 1 << 20,
	SHIM_TLS_FAILED = 1 << 21,
	SHIM_TLS_TOO_MANY = SHIM_TLS_FAILED | 0xFFFF, ///< the server has no room for the connection
};

/// Says in a few words what an error of TLS is; NULL if `error` is none. Usable on any thread. The text is static.
const char *_Nullable shim_tls_error_text(int error);

/// Makes the context of a client. Reads files, so it blocks.
///
/// `ca_file` has the certificates that are trusted, as PEM; NULL: those of the system. `certificate` and `key` are
/// files with the client's own; NULL: none. NULL, and a text in `error`, if a file is not what it should be.
shim_tls_context *_Nullable shim_tls_client_context(const char *_Nullable ca_file, const char *_Nullable certificate,
	const char *_Nullable key, char *error, size_t error_size);

/// Makes the context of a server, with its certificate, those that lead to a trusted one, and its key, as PEM. Reads
/// files, so it blocks. Clients must show a certificate by one of those in `client_ca_file`; NULL: none is asked for.
/// NULL, and a text in `error`, if a file is not what it should be.
shim_tls_context *_Nullable shim_tls_server_context(
	const char *certificate, const char *key, const char *_Nullable client_ca_file, char *error, size_t error_size);

/// Another one needs the context too.
void shim_tls_context_retain(shim_tls_context *self);

/// The caller no longer needs the context.
void shim_tls_context_free(shim_tls_context *self);

/// `host` is a name, or a numeric address without brackets. NULL: there is no memory.
shim_tls_peer *_Nullable shim_tls_peer_new(shim_tls_context *context, const char *host);

/// The caller no longer needs the peer.
void shim_tls_peer_free(shim_tls_peer *self);

#pragma clang assume_nonnull end

#endif
