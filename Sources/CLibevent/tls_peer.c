#include "tls_peer.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct shim_tls_peer {
	SSL_CTX *context;
	char *host;
	bool is_address;
	SSL_SESSION *session; ///< of the last connection; NULL: none
	unsigned references;
};

shim_tls_peer *shim_tls_peer_new(shim_tls_context *context, const char *host) {
	shim_tls_peer *self = calloc(1, sizeof *self);
	if (!self) return NULL;
	*self = (shim_tls_peer){ .context = (SSL_CTX *)context, .host = strdup(host), .references = 1 };
	if (!self->host || SSL_CTX_up_ref(self->context) != 1) {
		free(self->host);
		free(self);
		return NULL;
	}
	const size_t length = strlen(self->host);
	if (length > 1 && self->host[length - 1] == '.') self->host[length - 1] = 0; // Source: RFC 6066, 3
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
	self->is_address = address != NULL;
	ASN1_OCTET_STRING_free(address);
	ERR_clear_error();
	return self;
}

void shim_tls_peer_free(shim_tls_peer *self) {
	if (--self->references) return;
	SSL_SESSION_free(self->session);
	SSL_CTX_free(self->context);
	free(self->host);
	free(self);
}

/// Keeps a session, which the peer's next connection resumes. Returns whether it is kept.
static int keep_session(SSL *ssl, SSL_SESSION *session) {
	shim_tls_peer *self = SSL_get_app_data(ssl);
	SSL_SESSION_free(self->session);
	self->session = session;
	return 1;
}

void tls_peer_keep_sessions(SSL_CTX *context) {
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(context, keep_session);
}

/// Has the certificate's name verified, and tells it to the server. Source: RFC 9525, 6.3 and 6.4; RFC 6066, 3: an
/// address is no name of a server.
static bool set_name(const shim_tls_peer *self, SSL *ssl) {
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (self->is_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), self->host) == 1;
	return SSL_set_tlsext_host_name(ssl, self->host) == 1 && SSL_set1_host(ssl, self->host) == 1;
}

SSL *tls_peer_connection(shim_tls_peer *self) {
	SSL *ssl = SSL_new(self->context);
	if (!ssl || !set_name(self, ssl)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	SSL_set_app_data(ssl, self);
	if (self->session) SSL_set_session(ssl, self->session);
	self->references++;
	return ssl;
}
