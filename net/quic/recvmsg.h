/* SPDX-License-Identifier: GPL-2.0-only */
/* recvmsg(): one item of the receive queues, with its ancillary data.
 *
 * Owns:    no state.
 * Guard:   quic_recvmsg() takes the socket lock; quic_rcvq_first() only looks
 *          whether queues are empty, without it.
 * Callers: af_quic.c (struct proto), poll.c.
 */
#ifndef _NET_QUIC_RECVMSG_H
#define _NET_QUIC_RECVMSG_H

#include <linux/types.h>

struct msghdr;
struct quic_conn;
struct sk_buff_head;
struct sock;

int quic_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags);
struct sk_buff_head *quic_rcvq_first(struct quic_conn *conn);

#endif /* _NET_QUIC_RECVMSG_H */
