/* SPDX-License-Identifier: GPL-2.0-only */
/* Readiness of a socket, and how much waits in its queues.
 *
 * Owns:    no state.
 * Guard:   poll() takes no lock and reads what may change under it;
 *          ioctl() takes the socket lock.
 * Callers: af_quic.c (struct proto_ops, struct proto).
 */
#ifndef _NET_QUIC_POLL_H
#define _NET_QUIC_POLL_H

#include <linux/poll.h>

struct sock;
struct socket;

__poll_t quic_poll(struct file *file, struct socket *sock, poll_table *wait);
int quic_ioctl(struct sock *sk, int cmd, int *karg);

#endif /* _NET_QUIC_POLL_H */
