/* SPDX-License-Identifier: GPL-2.0-only */
/* recvmsg(): one item of the receive queues, with its ancillary data.
 *
 * Owns:    no state.
 * Guard:   quic_recvmsg() takes the socket lock.
 * Callers: af_quic.c (struct proto).
 */
#ifndef _NET_QUIC_RECVMSG_H
#define _NET_QUIC_RECVMSG_H

#include <linux/types.h>

struct msghdr;
struct sock;

int quic_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags);

#endif /* _NET_QUIC_RECVMSG_H */
