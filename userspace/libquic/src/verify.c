// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether the peer's certificate is to be believed. */
#include <arpa/inet.h>
#include <string.h>

#include <gnutls/x509.h>

#include "libquic.h"

/* Most telling first. */
static const struct {
	unsigned int status;
	int alert;
} alerts[] = {
	{ GNUTLS_CERT_REVOKED, GNUTLS_A_CERTIFICATE_REVOKED },
	{ GNUTLS_CERT_EXPIRED, GNUTLS_A_CERTIFICATE_EXPIRED },
	{ GNUTLS_CERT_NOT_ACTIVATED, GNUTLS_A_CERTIFICATE_EXPIRED },
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, GNUTLS_A_UNKNOWN_CA },
	{ GNUTLS_CERT_SIGNER_NOT_CA, GNUTLS_A_UNKNOWN_CA },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, GNUTLS_A_UNSUPPORTED_CERTIFICATE },
};

static int alert_of(unsigned int status)
{
	size_t i;

	for (i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (status & alerts[i].status)
			return alerts[i].alert;
	return GNUTLS_A_BAD_CERTIFICATE;
}

static void log_refusal(gnutls_session_t session, unsigned int status)
{
	gnutls_datum_t words = { 0 };

	if (gnutls_certificate_verification_status_print(status,
			gnutls_certificate_type_get(session), &words, 0) < 0)
		return;
	quic_log(LOG_ERR, "the peer's certificate: %s",
		 (const char *)words.data);
	gnutls_free(words.data);
}

/* A gnutls_certificate_verify_function: chain, purpose and, of a server, name. */
int quic_verify(gnutls_session_t session)
{
	struct quic_tls *tls = quic_tls_find(session);
	const char *purpose = tls->engine->is_server ?
			      GNUTLS_KP_TLS_WWW_CLIENT :
			      GNUTLS_KP_TLS_WWW_SERVER;
	gnutls_typed_vdata_st data[2] = {
		{ .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)purpose },
	};
	unsigned char address[sizeof(struct in6_addr)];
	unsigned int status = 0, count = 1;
	int ret;

	/* Whether a client has to have one is for GnuTLS to enforce. */
	if (tls->engine->is_server &&
	    !gnutls_certificate_get_peers(session, &status))
		return 0;
	if (tls->host) {
		data[count].data = address;
		data[count].type = GNUTLS_DT_IP_ADDRESS;
		if (inet_pton(AF_INET, tls->host, address) == 1) {
			data[count].size = sizeof(struct in_addr);
		} else if (inet_pton(AF_INET6, tls->host, address) == 1) {
			data[count].size = sizeof(struct in6_addr);
		} else {
			data[count].data = (void *)tls->host;
			data[count].type = GNUTLS_DT_DNS_HOSTNAME;
		}
		count++;
	}
	status = 0;
	ret = gnutls_certificate_verify_peers(session, data, count, &status);
	if (!ret && !status)
		return 0;
	tls->alert = alert_of(status);
	log_refusal(session, status | GNUTLS_CERT_INVALID);
	return GNUTLS_E_CERTIFICATE_ERROR;
}
