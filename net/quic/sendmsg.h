/* SPDX-License-Identifier: GPL-2.0-only */
/* sendmsg(): ancillary data, choice of the stream, waiting for room.
 *
 * Owns:    no state.
 * Guard:   takes the socket lock, except quic_stream_open(), which is called
 *          with it and may drop it while it waits.
 * Callers: af_quic.c (struct proto), sockopt.c.
 */
#ifndef _NET_QUIC_SENDMSG_H
#define _NET_QUIC_SENDMSG_H

#include <linux/types.h>

struct msghdr;
struct quic_conn;
struct quic_stream_info;
struct sock;
struct socket;

int quic_sendmsg(struct sock *sk, struct msghdr *msg, size_t len);
int quic_stream_open(struct quic_conn *conn, struct quic_stream_info *info);
void quic_splice_eof(struct socket *sock);
void quic_send_gathered(struct quic_conn *conn);
bool quic_stream_memory_free(const struct sock *sk, int wake);

#endif /* _NET_QUIC_SENDMSG_H */
