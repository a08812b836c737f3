/* SPDX-License-Identifier: GPL-2.0-only */
/* 0-RTT (RFC 9001, 4.6; RFC 9000, 7.4.1): a client sends by the limits of an
 * earlier connection, and learns whether the server has taken it; a server
 * keeps what came so early from its program until the handshake is over.
 *
 * A server accepts 0-RTT only if its program installs the EARLY secret: nothing
 * of it happens by default (RFC 9001, 9.2).
 *
 * Owns:    struct quic_early.
 * Guard:   the connection lock.
 * Callers: sockopt.c (limits of an earlier connection), handshake.c (secrets,
 *          parameters), crypto_stream.c (the server's answer), input.c,
 *          output.c.
 */
#ifndef _NET_QUIC_EARLY_H
#define _NET_QUIC_EARLY_H

#include "encrypted_ext.h"
#include "tparams.h"

/* 0-RTT datagrams that may wait for their key: more than the first congestion
 * window of a client, and fewer than QUIC_PARKED_MAX, so that they do not shut
 * the others out.
 */
#define QUIC_EARLY_PARKED_MAX	16

struct quic_conn;

/**
 * struct quic_early - 0-RTT of a connection
 * @remembered:	client: quic_conn.remote has limits of an earlier connection, set
 *		by the program
 * @offered:	client: there was an EARLY secret, so that packets may have left
 * @answered:	client: the server's answer to @offered is known
 * @accepted:	client: it has accepted
 * @lowered:	limits are below what was queued by the remembered ones
 * @held:	server: early data is not readable before the handshake is over
 * @ee:		client: reader of the server's answer
 */
struct quic_early {
	bool remembered;
	bool offered;
	bool answered;
	bool accepted;
	bool lowered;
	bool held;
	struct quic_encrypted_ext ee;
};

int quic_early_remember(struct quic_conn *conn,
			const struct quic_transport_param *param);
int quic_early_install(struct quic_conn *conn,
		       const struct quic_crypto_secret *secret);
void quic_early_feed(struct quic_conn *conn, const u8 *data, u32 len);
int quic_early_set_remote(struct quic_conn *conn,
			  const struct quic_tparams *tp);
void quic_early_end(struct quic_conn *conn);
void quic_early_release(struct quic_conn *conn);
void quic_early_restart(struct quic_conn *conn);
void quic_early_reject(struct quic_conn *conn);
bool quic_early_wanted(struct quic_conn *conn);

#endif /* _NET_QUIC_EARLY_H */
