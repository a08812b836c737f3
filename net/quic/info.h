/* SPDX-License-Identifier: GPL-2.0-only */
/* What monitoring wants to know: which sockets there are in a network
 * namespace, and how each of them is doing.
 *
 * Owns:    no state.
 * Guard:   the list of sockets is read under RCU, a socket under its lock.
 * Callers: diag.c, which can be a module of its own; hence the exports.
 */
#ifndef _NET_QUIC_INFO_H
#define _NET_QUIC_INFO_H

#include <linux/types.h>

struct inet_diag_msg;
struct net;
struct quic_diag_info;
struct sock;

unsigned int quic_info_socks(struct net *net, unsigned int skip,
			     struct sock **socks, unsigned int max);
void quic_info_queues(struct sock *sk, struct inet_diag_msg *msg);
void quic_info_timer(struct sock *sk, struct inet_diag_msg *msg);
void quic_info_fill(struct sock *sk, struct quic_diag_info *info);
const char *quic_info_cc(struct sock *sk);

#endif /* _NET_QUIC_INFO_H */
