/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions of kernel users: what a connection has left behind with which the
 * next one to the same server begins, so that TLS resumes (RFC 8446, 2.2) and a
 * server that demands proof of addresses need not send a Retry (RFC 9000,
 * 8.1.3). Programs keep theirs themselves.
 *
 * A session is the session data that the TLS agent has left in option
 * SESSION_TICKET, opaque to us, and the server's last NEW_TOKEN token. It is
 * kept per network namespace under a digest of everything that the verdict on
 * the server depends on, bounded in number, and used once (RFC 8446, C.4).
 *
 * Owns:    struct quic_sessions, struct quic_session, quic_conn.session.
 * Guard:   quic_sessions.lock for the table; the connection lock for
 *          quic_conn.session.
 * Callers: kernel users by quic_session_resume(); sockopt.c keeps, handshake.c
 *          tells that one is used up, conn.c releases.
 */
#ifndef _NET_QUIC_SESSION_H
#define _NET_QUIC_SESSION_H

#include <crypto/sha2.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "token.h"

#define QUIC_SESSIONS_MAX	128	/* of a network namespace */
#define QUIC_SESSIONS_PER_KEY	8	/* connections at a time to a server */
#define QUIC_SESSION_LIFETIME	(7 * 24 * 3600)	/* RFC 8446, 4.6.1 */

/* How long an agent may look out for a ticket. */
#define QUIC_SESSION_WAIT	1	/* seconds */

struct quic_conn;
struct quic_net;

/**
 * struct quic_session_key - whose session it is, and on whose terms
 * @digest: of protocol, server and how both prove who they are
 */
struct quic_session_key {
	u8 digest[SHA256_DIGEST_SIZE];
};

/**
 * struct quic_session - what one connection begins with
 * @list:      newest first
 * @key:       who may use it
 * @version:   QUIC version of the connection it comes from, and the only one
 *	       for which it is good (RFC 9369, 5)
 * @expires:   seconds of the boot clock
 * @token_len: bytes of @token
 * @token:     address validation token, if the server gave one
 * @len:       bytes of @data
 * @data:      the agent's session data
 */
struct quic_session {
	struct list_head list;
	struct quic_session_key key;
	u32 version;
	time64_t expires;
	u32 token_len;
	u8 token[QUIC_TOKEN_MAX];
	u32 len;
	u8 data[] __counted_by(len);
};

/**
 * struct quic_sessions - what is kept
 * @lock: guards the others
 * @list: struct quic_session
 * @nr:   how many
 */
struct quic_sessions {
	spinlock_t lock;	/* table */
	struct list_head list;
	u32 nr;
};

/**
 * struct quic_session_use - a connection that begins with a session and leaves
 *			     one
 * @key:     under which
 * @offered: what it began with, until the server has answered; or NULL
 */
struct quic_session_use {
	struct quic_session_key key;
	struct quic_session *offered;
};

void quic_sessions_init(struct quic_sessions *sessions);
void quic_sessions_purge(struct quic_sessions *sessions);
struct quic_session *quic_session_new(const struct quic_session_key *key,
				      u32 version, const u8 *data, u32 len);
void quic_session_free(struct quic_session *session);
void quic_sessions_add(struct quic_sessions *sessions,
		       struct quic_session *session);
struct quic_session *quic_sessions_take(struct quic_sessions *sessions,
					const struct quic_session_key *key);

int quic_session_keep(struct quic_conn *conn, const u8 *data, u32 len);
void quic_session_used(struct quic_conn *conn);
void quic_session_release(struct quic_conn *conn);

#endif /* _NET_QUIC_SESSION_H */
