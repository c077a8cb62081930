#include "tls_error.h"

#include "shim_tls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

const char *shim_tls_error_text(int error) {
	if (error & SHIM_TLS_UNTRUSTED) return X509_verify_cert_error_string(error & ~SHIM_TLS_UNTRUSTED);
	if (!(error & SHIM_TLS_FAILED)) return NULL;
	if (error == SHIM_TLS_FAILED) return "TLS failed";
	if (error == SHIM_TLS_TOO_MANY) return "there are too many connections";
	const char *text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, error & ~SHIM_TLS_FAILED));
	return text ? text : "TLS failed";
}

int tls_take_error(void) {
	const unsigned long code = ERR_peek_error();
	ERR_clear_error();
	return SHIM_TLS_FAILED | (ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0);
}
