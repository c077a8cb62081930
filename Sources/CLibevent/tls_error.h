/// Errors of OpenSSL's as numbers. Internal to the shim.
#ifndef TLS_ERROR_H
#define TLS_ERROR_H

/// Takes the first of this thread's errors, which is the cause of the others, and forgets them all. See
/// `shim_tls_error_text`.
int tls_take_error(void);

#endif
