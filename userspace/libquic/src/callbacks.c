// SPDX-License-Identifier: GPL-2.0-or-later
/* What GnuTLS calls. An error that has an errno is kept in the engine, because
 * GnuTLS returns its own.
 */
#include <errno.h>
#include <string.h>
#include <linux/tls.h>

#include "libquic.h"

#define PARAMETERS_SIZE		512

static struct quic_engine *engine_of(gnutls_session_t session)
{
	struct quic_tls *tls = quic_tls_find(session);

	return tls ? tls->engine : NULL;
}

/* Keeps the first error, which is the cause of those that follow. */
static int fail(struct quic_engine *engine, int error, unsigned int errcode)
{
	if (!engine->error) {
		engine->error = error;
		engine->errcode = errcode;
	}
	return GNUTLS_E_INTERNAL_ERROR;
}

static int crypto_error(struct quic_engine *engine, int error, int alert)
{
	return fail(engine, error,
		    QUIC_TRANSPORT_ERROR_CRYPTO + (unsigned int)alert);
}

int quic_parameters_in(gnutls_session_t session, const unsigned char *data,
		       size_t len)
{
	struct quic_engine *engine = engine_of(session);

	if (!engine)
		return GNUTLS_E_INTERNAL_ERROR;
	engine->parameters_seen = true;
	if (!setsockopt(engine->sd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT,
			data, (socklen_t)len))
		return 0;
	quic_log(LOG_ERR, "the peer's transport parameters: %m");
	/* Where they are at fault, the kernel has closed the connection. */
	return crypto_error(engine, -errno, GNUTLS_A_ILLEGAL_PARAMETER);
}

int quic_parameters_out(gnutls_session_t session, gnutls_buffer_t buffer)
{
	struct quic_engine *engine = engine_of(session);
	unsigned char parameters[PARAMETERS_SIZE];
	socklen_t len = sizeof(parameters);
	int ret;

	if (!engine)
		return GNUTLS_E_INTERNAL_ERROR;
	if (getsockopt(engine->sd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT,
		       parameters, &len)) {
		quic_log(LOG_ERR, "own transport parameters: %m");
		return crypto_error(engine, -errno, GNUTLS_A_INTERNAL_ERROR);
	}
	ret = gnutls_buffer_append_data(buffer, parameters, len);
	return ret < 0 ? ret : (int)len;
}

static int level_of(gnutls_record_encryption_level_t level)
{
	switch (level) {
	case GNUTLS_ENCRYPTION_LEVEL_INITIAL:
		return QUIC_CRYPTO_INITIAL;
	case GNUTLS_ENCRYPTION_LEVEL_EARLY:
		return QUIC_CRYPTO_EARLY;
	case GNUTLS_ENCRYPTION_LEVEL_HANDSHAKE:
		return QUIC_CRYPTO_HANDSHAKE;
	default:
		return QUIC_CRYPTO_APP;
	}
}

static unsigned int cipher_of(gnutls_cipher_algorithm_t cipher)
{
	switch (cipher) {
	case GNUTLS_CIPHER_AES_128_GCM:
		return TLS_CIPHER_AES_GCM_128;
	case GNUTLS_CIPHER_AES_256_GCM:
		return TLS_CIPHER_AES_GCM_256;
	case GNUTLS_CIPHER_AES_128_CCM:
		return TLS_CIPHER_AES_CCM_128;
	case GNUTLS_CIPHER_CHACHA20_POLY1305:
		return TLS_CIPHER_CHACHA20_POLY1305;
	default:
		return 0;
	}
}

static int on_message(gnutls_session_t session,
		      gnutls_record_encryption_level_t level,
		      gnutls_handshake_description_t kind, const void *data,
		      size_t len)
{
	struct quic_engine *engine = engine_of(session);
	int ret;

	/* RFC 9001, 6 and 8.4 */
	if (!engine || kind == GNUTLS_HANDSHAKE_CHANGE_CIPHER_SPEC ||
	    kind == GNUTLS_HANDSHAKE_KEY_UPDATE)
		return 0;
	if (kind == GNUTLS_HANDSHAKE_NEW_SESSION_TICKET)
		engine->ticket_made = true;
	ret = quic_queue_message(&engine->queue, (uint8_t)level_of(level), data,
				 len);
	if (ret)
		return crypto_error(engine, ret, GNUTLS_A_INTERNAL_ERROR);
	return 0;
}

/* Whether the peer's messages end where the next level begins: RFC 9001,
 * 4.1.3.
 */
static bool level_is_done(const struct quic_engine *engine)
{
	int last = engine->framing.last_type;

	if (engine->framing.header_len)
		return false;
	if (engine->read_level == QUIC_CRYPTO_HANDSHAKE)
		return last == GNUTLS_HANDSHAKE_FINISHED;
	return last == GNUTLS_HANDSHAKE_CLIENT_HELLO ||
	       last == GNUTLS_HANDSHAKE_SERVER_HELLO;
}

/* What TLS leaves to QUIC before there are 1-RTT keys: RFC 9001, 8.1 and 8.2 */
static int check_extensions(gnutls_session_t session,
			    struct quic_engine *engine)
{
	struct quic_tls *tls = quic_tls_find(session);
	gnutls_datum_t chosen;

	if (!engine->parameters_seen) {
		quic_log(LOG_ERR, "the peer sent no transport parameters");
		return crypto_error(engine, -EPROTO,
				    GNUTLS_A_MISSING_EXTENSION);
	}
	if (tls->wants_alpn &&
	    gnutls_alpn_get_selected_protocol(session, &chosen)) {
		quic_log(LOG_ERR, "no protocol (ALPN) was agreed on");
		return crypto_error(engine, -ENOPROTOOPT,
				    GNUTLS_A_NO_APPLICATION_PROTOCOL);
	}
	return 0;
}

static int add_secret(struct quic_engine *engine, int level, bool send,
		      unsigned int cipher, const void *secret, size_t len)
{
	struct quic_crypto_secret out = {
		.send = send,
		.level = (uint8_t)level,
		.type = cipher,
	};
	int ret;

	if (!cipher || len > sizeof(out.secret)) {
		quic_log(LOG_ERR, "TLS chose a cipher that QUIC does not know");
		return crypto_error(engine, -EPROTO,
				    GNUTLS_A_HANDSHAKE_FAILURE);
	}
	memcpy(out.secret, secret, len);
	ret = quic_queue_secret(&engine->queue, &out);
	explicit_bzero(&out, sizeof(out));
	if (ret)
		return crypto_error(engine, ret, GNUTLS_A_INTERNAL_ERROR);
	return 0;
}

static int on_secrets(gnutls_session_t session,
		      gnutls_record_encryption_level_t from,
		      const void *receive, const void *send, size_t len)
{
	struct quic_engine *engine = engine_of(session);
	int ret = 0, level = level_of(from);
	unsigned int cipher;

	if (!engine)
		return 0;
	cipher = cipher_of(level == QUIC_CRYPTO_EARLY ?
			   gnutls_early_cipher_get(session) :
			   gnutls_cipher_get(session));
	if (level == QUIC_CRYPTO_APP)
		ret = check_extensions(session, engine);
	if (!ret && send)
		ret = add_secret(engine, level, true, cipher, send, len);
	if (ret || !receive)
		return ret;
	if (level != QUIC_CRYPTO_EARLY) {
		if (!level_is_done(engine)) {
			quic_log(LOG_ERR, "excess TLS bytes at a level");
			return fail(engine, -EPROTO,
				    QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
		}
		engine->read_level = (uint8_t)level;
		quic_framing_init(&engine->framing);
	}
	return add_secret(engine, level, false, cipher, receive, len);
}

/* Alerts travel in CONNECTION_CLOSE: RFC 9001, 4.8. */
static int on_alert(gnutls_session_t session,
		    gnutls_record_encryption_level_t level,
		    gnutls_alert_level_t alert_level,
		    gnutls_alert_description_t alert)
{
	(void)session;
	(void)level;
	(void)alert_level;
	(void)alert;
	return 0;
}

void quic_callbacks_set(gnutls_session_t session)
{
	gnutls_handshake_set_read_function(session, on_message);
	gnutls_handshake_set_secret_function(session, on_secrets);
	gnutls_alert_set_read_function(session, on_alert);
}
