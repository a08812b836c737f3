/* SPDX-License-Identifier: GPL-2.0-only */
/* recvmsg(): one item of the receive queues, with its ancillary data.
 *
 * Owns:    no state; quic_rcvq_purge() empties the queues of a dying socket.
 * Guard:   takes the socket lock.
 * Callers: af_quic.c (struct proto), conn.c.
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
