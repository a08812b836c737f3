/* SPDX-License-Identifier: GPL-2.0-only */
/* NEW_TOKEN: the token that lets a client skip address validation next time
 * (RFC 9000, 8.1.3). It is made when its frame is written, so that a repeated
 * one is fresh, and nothing is stored.
 *
 * Owns:    struct quic_new_token.
 * Guard:   the connection lock.
 * Callers: conn.c and sockopt.c ask for one, output.c sends it, input_frame.c
 *          receives one.
 */
#ifndef _NET_QUIC_NEW_TOKEN_H
#define _NET_QUIC_NEW_TOKEN_H

#include <linux/types.h>

struct quic_conn;
struct quic_frame_new_token;
struct quic_pkt_builder;

/**
 * struct quic_new_token - a server's NEW_TOKEN frame
 * @pending: it has to be sent
 * @unacked: one was asked for and has not been acknowledged
 */
struct quic_new_token {
	bool pending;
	bool unacked;
};

int quic_new_token_request(struct quic_conn *conn);
int quic_new_token_rcv(struct quic_conn *conn,
		       const struct quic_frame_new_token *frame);
bool quic_new_token_pending(const struct quic_conn *conn);
void quic_new_token_put_frames(struct quic_conn *conn,
			       struct quic_pkt_builder *b);
void quic_new_token_acked(struct quic_conn *conn);
void quic_new_token_lost(struct quic_conn *conn);

#endif /* _NET_QUIC_NEW_TOKEN_H */
