// SPDX-License-Identifier: GPL-2.0-only
/* What went wrong, as an errno for mount(2) and as one line in the log that
 * says what to do.
 */
#include <linux/errno.h>
#include <linux/net.h>
#include <net/tls_prot.h>

#include "xprt_quic.h"

/* Close code of a TLS alert (RFC 9001, 4.8); close_notify is never sent. */
#define RPCQUIC_ALERT(desc)	(QUIC_TRANSPORT_ERROR_CRYPTO + (desc))

/* What the user can do about it, by the errno that mount(2) returns. */
static const struct {
	int		error;
	const char	*advice;
} xprt_quic_errors[] = {
	{ -EPROTONOSUPPORT,
	  "this kernel has no QUIC sockets: load the quic module (CONFIG_IP_QUIC)" },
	{ -ESRCH,
	  "no TLS handshake agent in this network namespace: start kquic-handshaked" },
	{ -EAGAIN,
	  "too many handshakes wait for the TLS handshake agent: is it alive?" },
	{ -EIO,
	  "the TLS handshake agent failed: see its log" },
	{ -EKEYREJECTED,
	  "the server's certificate was refused or not verified: check CA, name, the agent's log" },
	{ -EKEYEXPIRED,
	  "the server's certificate has expired or is not valid yet" },
	{ -EKEYREVOKED,
	  "the server's certificate has been revoked" },
	{ -ENOKEY,
	  "a key or certificate is missing: see xprtsec=mtls and the _serial options" },
	{ -ECONNREFUSED,
	  "nothing listens on this UDP port: does the server's nfsd have a quic listener?" },
	{ -EHOSTUNREACH,
	  "the server cannot be reached" },
	{ -ENETUNREACH,
	  "there is no route to the server" },
	{ -ETIMEDOUT,
	  "no answer in time: do all firewalls pass this UDP port, and is the agent alive?" },
	{ -ENOPROTOOPT,
	  "the server does not speak RPC on this UDP port (no ALPN \"sunrpc\")" },
	{ -ECONNRESET,
	  "the server closed the connection at once: see its log" },
	{ -EUSERS,
	  "the server allows no streams" },
	{ -EPROTO,
	  "the server ended the handshake: does it have an agent? See its log" },
};

static const char *xprt_quic_advice(int error)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xprt_quic_errors); i++)
		if (xprt_quic_errors[i].error == error)
			return xprt_quic_errors[i].advice;
	return "connection failed";
}

static bool xprt_quic_is_alert(u32 code)
{
	return code > RPCQUIC_ALERT(0) && code <= RPCQUIC_ALERT(U8_MAX);
}

/* Certificate alerts may be the agent's or the server's: the user must look. */
static int xprt_quic_alert_error(u32 alert)
{
	switch (alert) {
	case TLS_ALERT_DESC_NO_APPLICATION_PROTOCOL:
		return -ENOPROTOOPT;
	case TLS_ALERT_DESC_CERTIFICATE_REQUIRED:
		return -ENOKEY;
	case TLS_ALERT_DESC_CERTIFICATE_EXPIRED:
		return -EKEYEXPIRED;
	case TLS_ALERT_DESC_CERTIFICATE_REVOKED:
		return -EKEYREVOKED;
	case TLS_ALERT_DESC_BAD_CERTIFICATE:
	case TLS_ALERT_DESC_UNSUPPORTED_CERTIFICATE:
	case TLS_ALERT_DESC_CERTIFICATE_UNKNOWN:
	case TLS_ALERT_DESC_UNKNOWN_CA:
	case TLS_ALERT_DESC_ACCESS_DENIED:
	case TLS_ALERT_DESC_BAD_CERTIFICATE_STATUS_RESPONSE:
		return -EKEYREJECTED;
	default:
		return -EPROTO;
	}
}

/**
 * xprt_quic_connect_error - find out why there is no connection
 * @sock:   socket of the failed attempt
 * @status: what the handshake agent or the socket call said
 *
 * Agents tell little more than success or "access denied". What the socket has
 * heard from the network and from the server says more.
 *
 * Return: one of the errors in xprt_quic_errors.
 */
int xprt_quic_connect_error(struct socket *sock, int status)
{
	int sock_err = sock_error(sock->sk);
	u32 code = rpcquic_close_code(sock);

	if (xprt_quic_is_alert(code))
		return xprt_quic_alert_error(code - RPCQUIC_ALERT(0));
	if (code == QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED)
		return -ECONNREFUSED;
	if (code)
		return -EPROTO;

	status = sock_err ?: status;
	switch (status) {
	case -EACCES:
		/* The server's exports say who may mount, not the agent. */
		return -EKEYREJECTED;
	case -EPIPE:
		return -ECONNRESET;
	case -ESRCH:
	case -EAGAIN:
	case -EKEYREJECTED:
	case -EKEYEXPIRED:
	case -EKEYREVOKED:
	case -ENOKEY:
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ETIMEDOUT:
	case -ENOPROTOOPT:
	case -EUSERS:
		return status;
	default:
		return -EIO;
	}
}

/**
 * xprt_quic_log_error - tell the user how an attempt to connect ended
 * @q:	   transport
 * @error: 0 or negative errno
 *
 * A mount tries again every few seconds, so the same error is told only once.
 */
void xprt_quic_log_error(struct xprt_quic *q, int error)
{
	if (error == q->last_error)
		return;
	q->last_error = error;
	if (error)
		pr_notice("rpcquic: %s (%pISpc): error %d: %s\n",
			  q->xprt.servername, &q->xprt.addr, error,
			  xprt_quic_advice(error));
}

/**
 * xprt_quic_log_close - say why an established connection ended
 * @q: transport whose socket is about to be released
 *
 * A server that wants a client certificate, for example, says so only after
 * the client's handshake is complete (RFC 8446, 4.4.2.4).
 */
void xprt_quic_log_close(struct xprt_quic *q)
{
	u32 code = rpcquic_close_code(q->sock);

	if (code == RPCQUIC_ALERT(TLS_ALERT_DESC_CERTIFICATE_REQUIRED))
		pr_notice("rpcquic: %s: closed: the server wants a client certificate (xprtsec=mtls)\n",
			  q->xprt.servername);
	else if (code == RPCQUIC_ALERT(TLS_ALERT_DESC_ACCESS_DENIED))
		pr_notice("rpcquic: %s: closed: the server does not admit this client's certificate\n",
			  q->xprt.servername);
	else if (xprt_quic_is_alert(code))
		pr_notice("rpcquic: %s: closed with TLS alert %u\n",
			  q->xprt.servername, code - RPCQUIC_ALERT(0));
	else if (code && code != QUIC_TRANSPORT_ERROR_APPLICATION)
		pr_notice("rpcquic: %s: closed with error 0x%x\n",
			  q->xprt.servername, code);
}
