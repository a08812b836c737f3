/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libquic: TLS 1.3 handshakes on QUIC sockets, and messages with stream IDs.
 *
 * See quic(3); for the sockets themselves quic(7).
 */
#ifndef _NETINET_QUIC_H
#define _NETINET_QUIC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <linux/quic.h>
#include <gnutls/gnutls.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For gnutls_priority_set_direct(): TLS 1.3 alone (RFC 9001, 4.2), the AEADs
 * of QUIC (5.3), no middlebox compatibility mode (8.4).
 */
#define QUIC_PRIORITY							\
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:"			\
	"+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-CCM:"	\
	"+ECDHE-PSK:+DHE-PSK:%DISABLE_TLS13_COMPAT_MODE"

/* The whole handshake, with credentials from files. 0 or a negative errno. */
int quic_client_handshake(int sd, const char *pkey_or_psk_file,
			  const char *host, const char *alpns);
int quic_server_handshake(int sd, const char *pkey_or_psk_file,
			  const char *cert_file, const char *alpns);

/* The whole handshake of a session that the program has set up. The session
 * knows its socket by gnutls_transport_set_int(). 0 or a negative errno.
 */
int quic_handshake(gnutls_session_t session);

/* The same in steps, for programs that do the system calls themselves. */
enum quic_handshake_step_op {
	QUIC_HANDSHAKE_STEP_OP_SENDMSG = 1,
	QUIC_HANDSHAKE_STEP_OP_RECVMSG = 2,
};

struct quic_handshake_step_sendmsg {
	const struct msghdr *msg;
	int flags;
	ssize_t retval;		/* what sendmsg() returned, or -errno */
};

struct quic_handshake_step_recvmsg {
	struct msghdr *msg;
	int flags;
	ssize_t retval;		/* what recvmsg() returned, or -errno */
};

struct quic_handshake_step {
	enum quic_handshake_step_op op;
	union {
		struct quic_handshake_step_sendmsg s_sendmsg;
		struct quic_handshake_step_recvmsg s_recvmsg;
	};
};

int quic_handshake_init(gnutls_session_t session,
			struct quic_handshake_step **step);
int quic_handshake_step(gnutls_session_t session,
			struct quic_handshake_step **step);
void quic_handshake_deinit(gnutls_session_t session);

/* Session data of a client, to resume with. 0 or a negative errno. */
int quic_session_get_data(gnutls_session_t session, void *data, size_t *size);
int quic_session_set_data(gnutls_session_t session, const void *data,
			  size_t size);

/* The protocol agreed on; and the list to offer or choose from, separated by
 * commas. 0 or a negative errno.
 */
int quic_session_get_alpn(gnutls_session_t session, void *alpn, size_t *size);
int quic_session_set_alpn(gnutls_session_t session, const void *alpns,
			  size_t size);

/* Messages of one stream. As sendmsg() and recvmsg(): -1 and errno. */
ssize_t quic_sendmsg(int sd, const void *msg, size_t len, int64_t sid,
		     uint32_t flags);
ssize_t quic_recvmsg(int sd, void *msg, size_t len, int64_t *sid,
		     uint32_t *flags);

/* Levels are those of <syslog.h>. Without a function, to standard error. */
typedef void (*quic_log_func)(int level, const char *msg);

void quic_set_log_level(int level);
void quic_set_log_func(quic_log_func func);

#ifdef __cplusplus
}
#endif

#endif /* _NETINET_QUIC_H */
