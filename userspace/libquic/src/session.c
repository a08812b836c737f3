// SPDX-License-Identifier: GPL-2.0-or-later
/* What a session is asked and told outside the handshake. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libquic.h"

#define EXTENSION_PARAMETERS	0x39	/* RFC 9001, 8.2 */
#define ALPN_MAX		8	/* of GnuTLS */
#define TICKET_SIZE		4096
#define NEW_SESSION_TICKET	4

struct quic_tls *quic_tls_find(gnutls_session_t session)
{
	gnutls_ext_priv_data_t data;

	if (gnutls_ext_get_data(session, EXTENSION_PARAMETERS, &data) < 0)
		return NULL;
	return data;
}

static void tls_free(gnutls_ext_priv_data_t data)
{
	free(data);
}

/* The library's part of a session, made when first asked for. */
int quic_tls_get(gnutls_session_t session, struct quic_tls **tls)
{
	int ret;

	*tls = quic_tls_find(session);
	if (*tls)
		return 0;
	ret = gnutls_session_ext_register(session, "quic_transport_parameters",
					  EXTENSION_PARAMETERS, GNUTLS_EXT_TLS,
					  quic_parameters_in,
					  quic_parameters_out, tls_free, NULL,
					  NULL, GNUTLS_EXT_FLAG_TLS |
					  GNUTLS_EXT_FLAG_CLIENT_HELLO |
					  GNUTLS_EXT_FLAG_EE);
	if (ret < 0 && ret != GNUTLS_E_ALREADY_REGISTERED)
		return quic_tls_errno(ret);
	*tls = calloc(1, sizeof(**tls));
	if (!*tls)
		return -ENOMEM;
	gnutls_ext_set_data(session, EXTENSION_PARAMETERS, *tls);
	return 0;
}

/* A negative errno for one of GnuTLS's errors. */
int quic_tls_errno(int code)
{
	switch (code) {
	case 0:
		return 0;
	case GNUTLS_E_MEMORY_ERROR:
		return -ENOMEM;
	case GNUTLS_E_INVALID_REQUEST:
	case GNUTLS_E_ILLEGAL_SRP_USERNAME:
		return -EINVAL;
	case GNUTLS_E_FILE_ERROR:
		return -ENOENT;
	case GNUTLS_E_SHORT_MEMORY_BUFFER:
		return -ENOBUFS;
	case GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE:
		return -ENODATA;
	case GNUTLS_E_CERTIFICATE_ERROR:
	case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
	case GNUTLS_E_CERTIFICATE_REQUIRED:
	case GNUTLS_E_NO_CERTIFICATE_FOUND:
		return -EKEYREJECTED;
	case GNUTLS_E_NO_APPLICATION_PROTOCOL:
		return -ENOPROTOOPT;
	default:
		return -EPROTO;
	}
}

int quic_session_set_data(gnutls_session_t session, const void *data,
			  size_t size)
{
	return quic_tls_errno(gnutls_session_set_data(session, data, size));
}

/* Gives the ticket that the kernel has kept to TLS. */
static int take_ticket(gnutls_session_t session)
{
	int ret, sd = gnutls_transport_get_int(session);
	unsigned char ticket[TICKET_SIZE];
	socklen_t len = sizeof(ticket);

	if (getsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_SESSION_TICKET, ticket, &len))
		return -errno;
	if (!len)
		return 0;
	/* No KeyUpdate (RFC 9001, 6), no CertificateRequest (4.4). */
	if (ticket[0] != NEW_SESSION_TICKET)
		return -EPROTO;
	ret = gnutls_handshake_write(session, GNUTLS_ENCRYPTION_LEVEL_APPLICATION,
				     ticket, len);
	if (ret < 0 && gnutls_error_is_fatal(ret))
		return quic_tls_errno(ret);
	return 1;
}

int quic_session_get_data(gnutls_session_t session, void *data, size_t *size)
{
	struct quic_tls *tls = quic_tls_find(session);
	int ret;

	if (!tls)
		return -EINVAL;
	if (!tls->ticket_taken) {
		ret = take_ticket(session);
		if (ret <= 0) {
			*size = 0;
			return ret;
		}
		tls->ticket_taken = true;
	}
	return quic_tls_errno(gnutls_session_get_data(session, data, size));
}

int quic_session_get_alpn(gnutls_session_t session, void *alpn, size_t *size)
{
	gnutls_datum_t chosen;
	size_t room = *size;
	int ret;

	ret = gnutls_alpn_get_selected_protocol(session, &chosen);
	*size = ret ? 0 : chosen.size;
	if (ret)
		return quic_tls_errno(ret);
	if (room < chosen.size)
		return -ENOBUFS;
	memcpy(alpn, chosen.data, chosen.size);
	if (room > chosen.size)
		((char *)alpn)[chosen.size] = '\0';
	return 0;
}

/* Splits a list at its commas; spaces before an item do not belong to it. */
static int split(char *list, size_t size, gnutls_datum_t *items)
{
	char *end = list + size, *comma;
	int count = 0;

	for (; list <= end; list = comma + 1) {
		while (list < end && *list == ' ')
			list++;
		comma = memchr(list, ',', (size_t)(end - list));
		if (!comma)
			comma = end;
		if (comma == list || comma - list > 255 || count == ALPN_MAX)
			return -EINVAL;
		items[count].data = (unsigned char *)list;
		items[count++].size = (unsigned int)(comma - list);
	}
	return count;
}

int quic_session_set_alpn(gnutls_session_t session, const void *alpns,
			  size_t size)
{
	gnutls_datum_t items[ALPN_MAX];
	struct quic_tls *tls;
	char *list;
	int ret;

	if (!alpns || !size)
		return -EINVAL;
	ret = quic_tls_get(session, &tls);
	if (ret)
		return ret;
	list = strndup(alpns, size);
	if (!list)
		return -ENOMEM;
	ret = split(list, strlen(list), items);
	if (ret > 0)
		ret = quic_tls_errno(gnutls_alpn_set_protocols(session, items,
							       (unsigned int)ret,
							       GNUTLS_ALPN_MANDATORY));
	free(list);
	if (!ret)
		tls->wants_alpn = true;
	return ret;
}
