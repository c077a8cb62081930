/// Whom the client's side of a connection reaches. Internal to the shim.
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include "shim_tls.h"
#include <openssl/ssl.h>

/// Makes the client's side of a connection: it verifies the peer's name, and resumes the session of the last
/// connection. The caller keeps a reference to the peer, which `shim_tls_peer_free` gives back. NULL: there is no
/// memory.
SSL *tls_peer_connection(shim_tls_peer *self);

/// Has connections of this context keep their sessions for those that follow.
void tls_peer_keep_sessions(SSL_CTX *context);

#endif
