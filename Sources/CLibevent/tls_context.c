#include "tls_peer.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What fails says why by OpenSSL's errors: the first one is the cause of the others.
static void explain(char *error, size_t size, const char *what, const char *file) {
	const unsigned long code = ERR_peek_error();
	const char *reason = ERR_GET_LIB(code) == ERR_LIB_SYS ? strerror(ERR_GET_REASON(code))
														  : ERR_reason_error_string(code);
	snprintf(error, size, "%s '%s' cannot be used: %s", what, file, reason ? reason : "it does not fit the others");
	ERR_clear_error();
}

static SSL_CTX *new_context(const SSL_METHOD *method, char *error, size_t size) {
	ERR_clear_error();
	SSL_CTX *context = SSL_CTX_new(method);
	if (!context) {
		snprintf(error, size, "there is no memory for TLS");
		return NULL;
	}
	// Source: RFC 9325, 3.1.1.
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	// A thousand idle connections must not keep a thousand buffers; all records of a read come with one recv(2).
	SSL_CTX_set_mode(
		context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	// Each call handles one record: a peer that sends many without data must not keep the loop.
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(context, 1);
	return context;
}

/// Uses the certificate and the key in these files. Returns false, with an explanation, if they do not fit.
static bool use_identity(SSL_CTX *context, const char *certificate, const char *key, char *error, size_t size) {
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
		explain(error, size, "the certificate", certificate);
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1) {
		explain(error, size, "the key", key);
		return false;
	}
	return true;
}

/// Trusts what the system trusts. Read now: a directory of certificates would be read during a handshake, on the loop's
/// thread. Returns false, with an explanation, if the file does not fit that is named in place of the system's.
static bool trust_system(SSL_CTX *context, char *error, size_t size) {
	static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/cert.pem" };
	const char *named = getenv(X509_get_default_cert_file_env());
	const char *folder = getenv(X509_get_default_cert_dir_env());
	if (folder) SSL_CTX_load_verify_dir(context, folder);
	if (named && SSL_CTX_load_verify_file(context, named) != 1) {
		explain(error, size, "the file in SSL_CERT_FILE", named);
		return false;
	}
	if (named || folder) return true;
	for (size_t index = 0; index < sizeof files / sizeof *files; index++)
		if (SSL_CTX_load_verify_file(context, files[index]) == 1) return true;
	SSL_CTX_set_default_verify_paths(context);
	return true;
}

/// Has each certificate of the files end a chain, also one that another authority has signed.
static void trust_each(SSL_CTX *context) {
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
}

/// A password for a key is asked from nobody.
static int no_password(char *buffer, int size, int is_write, void *context) {
	(void)buffer;
	(void)size;
	(void)is_write;
	(void)context;
	return 0;
}

shim_tls_context *shim_tls_client_context(
	const char *ca_file, const char *certificate, const char *key, char *error, size_t error_size) {
	SSL_CTX *context = new_context(TLS_client_method(), error, error_size);
	if (!context) return NULL;
	SSL_CTX_set_default_passwd_cb(context, no_password);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	trust_each(context);
	tls_peer_keep_sessions(context);
	static const unsigned char protocols[] = "\x08http/1.1";
	SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1);
	bool is_right = true;
	if (ca_file && SSL_CTX_load_verify_file(context, ca_file) != 1) {
		explain(error, error_size, "the file of certificates", ca_file);
		is_right = false;
	}
	if (!ca_file) is_right = trust_system(context, error, error_size);
	ERR_clear_error();
	if (is_right && certificate && key) is_right = use_identity(context, certificate, key, error, error_size);
	if (is_right) return (shim_tls_context *)context;
	SSL_CTX_free(context);
	return NULL;
}

/// Chooses HTTP/1.1, else 1.0, if the client says which protocols it speaks. Source: RFC 7301, 3.2.
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_count,
	const unsigned char *offered, unsigned count, void *context) {
	(void)ssl;
	(void)context;
	static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
	unsigned char *found;
	const int result = SSL_select_next_proto(&found, chosen_count, ours, sizeof ours - 1, offered, count);
	*chosen = found;
	return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Requires a certificate of clients. Returns false, with an explanation, if the file does not fit.
static bool verify_clients(SSL_CTX *context, const char *file, char *error, size_t size) {
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
	if (!names || SSL_CTX_load_verify_file(context, file) != 1) {
		explain(error, size, "the file of certificates", file);
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return false;
	}
	trust_each(context);
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return true;
}

shim_tls_context *shim_tls_server_context(
	const char *certificate, const char *key, const char *client_ca_file, char *error, size_t error_size) {
	SSL_CTX *context = new_context(TLS_server_method(), error, error_size);
	if (!context) return NULL;
	SSL_CTX_set_default_passwd_cb(context, no_password);
	// The server's order, which has what is strong first. Sessions of one context are not another's.
	SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
	static const unsigned char name[] = "promptd";
	SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	const bool is_right = use_identity(context, certificate, key, error, error_size) &&
						  (!client_ca_file || verify_clients(context, client_ca_file, error, error_size));
	if (is_right) return (shim_tls_context *)context;
	SSL_CTX_free(context);
	return NULL;
}

void shim_tls_context_retain(shim_tls_context *self) { SSL_CTX_up_ref((SSL_CTX *)self); }

void shim_tls_context_free(shim_tls_context *self) { SSL_CTX_free((SSL_CTX *)self); }
