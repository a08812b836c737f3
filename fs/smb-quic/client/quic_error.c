// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMB over QUIC: what went wrong, as an errno for mount(2) and as one line in
 * the log that says what to do.
 *
 * mount.cifs tries a server's next address after ECONNREFUSED and EHOSTUNREACH
 * only, retries in capitals after ENXIO, and explains EHOSTDOWN as an SMB1
 * server. So the first two keep the meaning they have with TCP, and the others
 * are never used here.
 */
#include <linux/errno.h>
#include <linux/net.h>
#include <linux/quic.h>
#include <net/sock.h>
#include <net/tls_prot.h>
#include "cifsglob.h"
#include "cifsproto.h"
#include "cifs_debug.h"
#include "quic.h"

/* Close code of a TLS alert (RFC 9001, 4.8); close_notify is never sent. */
#define CIFS_QUIC_ALERT(desc)	(QUIC_TRANSPORT_ERROR_CRYPTO + (desc))

/* What the user can do about it, by the errno that mount(2) returns. */
static const struct {
	int		error;
	const char	*advice;
} cifs_quic_errors[] = {
	{ -EPROTONOSUPPORT,
	  "this kernel has no QUIC sockets: load the quic module (CONFIG_IP_QUIC)" },
	{ -ESRCH,
	  "no TLS handshake agent in this network namespace: start kquic-handshaked" },
	{ -EAGAIN,
	  "too many handshakes wait for the TLS handshake agent: is it alive?" },
	{ -EIO,
	  "the TLS handshake agent failed: see its log, and if it may use the mount's keys" },
	{ -EKEYREJECTED,
	  "the server's certificate was refused or not verified: check CA, name, the agent's log" },
	{ -EKEYEXPIRED,
	  "the server's certificate has expired or is not valid yet" },
	{ -EKEYREVOKED,
	  "the server's certificate has been revoked" },
	{ -EPERM,
	  "the server does not admit this client's certificate: see its list of clients" },
	{ -ENOKEY,
	  "a key or certificate is missing: see mtls and the _serial options" },
	{ -ECONNREFUSED,
	  "nothing listens on this UDP port: is SMB over QUIC enabled on the server?" },
	{ -EHOSTUNREACH,
	  "the server cannot be reached" },
	{ -ENETUNREACH,
	  "there is no route to the server" },
	{ -ETIMEDOUT,
	  "no answer in time: do all firewalls pass this UDP port, and is the agent alive?" },
	{ -ENOPROTOOPT,
	  "the server does not speak SMB on this UDP port (no ALPN \"smb\")" },
	{ -ECONNRESET,
	  "the server closed the connection at once: see its log" },
	{ -EPROTO,
	  "the server ended the handshake: see its log" },
};

static const char *cifs_quic_advice(int error)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cifs_quic_errors); i++)
		if (cifs_quic_errors[i].error == error)
			return cifs_quic_errors[i].advice;
	return "connection failed";
}

/* The code with which the connection was closed, 0 if it was not. */
static u32 cifs_quic_close_code(struct socket *sock)
{
	struct quic_connection_close close = {};

	if (cifs_quic_getsockopt(sock, QUIC_SOCKOPT_CONNECTION_CLOSE, &close,
				 sizeof(close)))
		return 0;
	return close.errcode;
}

static bool cifs_quic_is_alert(u32 code)
{
	return code > CIFS_QUIC_ALERT(0) && code <= CIFS_QUIC_ALERT(U8_MAX);
}

/* Certificate alerts may be the agent's or the server's: the user must look. */
static int cifs_quic_alert_error(u32 alert)
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
	case TLS_ALERT_DESC_ACCESS_DENIED:
		return -EPERM;
	case TLS_ALERT_DESC_BAD_CERTIFICATE:
	case TLS_ALERT_DESC_UNSUPPORTED_CERTIFICATE:
	case TLS_ALERT_DESC_CERTIFICATE_UNKNOWN:
	case TLS_ALERT_DESC_UNKNOWN_CA:
	case TLS_ALERT_DESC_BAD_CERTIFICATE_STATUS_RESPONSE:
		return -EKEYREJECTED;
	default:
		return -EPROTO;
	}
}

/**
 * cifs_quic_connect_error - find out why there is no connection
 * @sock:	socket of the failed attempt
 * @status:	what the handshake agent or the socket call said
 *
 * Agents tell little more than success or "access denied". What the socket has
 * heard from the network and from the server says more.
 *
 * Return: one of the errors in cifs_quic_errors, or -EINTR.
 */
int cifs_quic_connect_error(struct socket *sock, int status)
{
	u32 code = cifs_quic_close_code(sock);
	int sock_err = sock_error(sock->sk);

	if (status == -EINTR)
		return status;
	if (cifs_quic_is_alert(code))
		return cifs_quic_alert_error(code - CIFS_QUIC_ALERT(0));
	if (code == QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED)
		return -ECONNREFUSED;
	if (code)
		return -EPROTO;

	switch (sock_err ?: status) {
	case -EACCES:
		/* a wrong password gives EACCES */
		return -EKEYREJECTED;
	case -EKEYREJECTED:
	case -EKEYEXPIRED:
	case -EKEYREVOKED:
	case -ENOKEY:
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ETIMEDOUT:
		return sock_err ?: status;
	case -EPIPE:
		return -ECONNRESET;
	default:
		return -EIO;
	}
}

/**
 * cifs_quic_log_error - tell the user how an attempt to connect ended
 * @server:	server
 * @error:	0 or negative errno
 *
 * cifsd tries again every few seconds, so the same error is told only once.
 */
void cifs_quic_log_error(struct TCP_Server_Info *server, int error)
{
	if (error == -EINTR || error == server->quic->last_error)
		return;

	server->quic->last_error = error;
	if (error)
		cifs_server_dbg(VFS, "QUIC to UDP port %u: error %d: %s\n",
				cifs_quic_port(server), error,
				cifs_quic_advice(error));
}

/**
 * cifs_quic_log_close - say why an established connection ended
 * @server: server with a socket
 *
 * A server that wants a client certificate, for example, says so only after
 * the client's handshake is complete (RFC 8446, 4.4.2.4).
 *
 * Context: process, with srv_mutex held. Of several calls for one connection only
 * the first has an effect.
 */
void cifs_quic_log_close(struct TCP_Server_Info *server)
{
	u32 code = cifs_quic_close_code(server->ssocket);

	if (!code || server->quic->close_told)
		return;
	server->quic->close_told = true;
	if (code == CIFS_QUIC_ALERT(TLS_ALERT_DESC_CERTIFICATE_REQUIRED))
		cifs_server_dbg(VFS, "QUIC connection closed: the server wants a client certificate (mtls)\n");
	else if (code == CIFS_QUIC_ALERT(TLS_ALERT_DESC_ACCESS_DENIED))
		cifs_server_dbg(VFS, "QUIC connection closed: the server does not admit this client's certificate\n");
	else if (cifs_quic_is_alert(code))
		cifs_server_dbg(VFS, "QUIC connection closed with TLS alert %u\n",
				code - CIFS_QUIC_ALERT(0));
	else
		cifs_server_dbg(VFS, "QUIC connection closed with error 0x%x\n",
				code);
	if (cifs_quic_is_alert(code))
		WRITE_ONCE(server->quic->refusal,
			   cifs_quic_alert_error(code - CIFS_QUIC_ALERT(0)));
}

/**
 * cifs_quic_refusal - find out why the first words on a connection failed
 * @server: server
 * @error:  what the SMB client knows of it
 *
 * Return: the reason of a server that has looked at the client's certificate,
 * or lack of one, only after the client's handshake was complete; else @error.
 *
 * Context: process, may sleep; takes srv_mutex.
 */
int cifs_quic_refusal(struct TCP_Server_Info *server, int error)
{
	int refusal;

	/* cifsd may not have seen yet what made sending fail. */
	cifs_server_lock(server);
	if (server->ssocket)
		cifs_quic_log_close(server);
	cifs_server_unlock(server);
	refusal = xchg(&server->quic->refusal, 0);

	if (error != -EHOSTDOWN && error != -ECONNABORTED)
		return error;
	return refusal ?: error;
}
