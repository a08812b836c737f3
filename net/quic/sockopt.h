/* SPDX-License-Identifier: GPL-2.0-only */
/* Socket options of level SOL_QUIC: one table that says of each how long it is
 * and who sets and gets it.
 *
 * Owns:    no state; what is merely stored lies in struct quic_settings.
 * Guard:   takes the socket lock.
 * Callers: af_quic.c (struct proto), and users inside the kernel through
 *          <linux/quic.h>.
 */
#ifndef _NET_QUIC_SOCKOPT_H
#define _NET_QUIC_SOCKOPT_H

#include <linux/sockptr.h>

struct sock;

int quic_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		    unsigned int optlen);
int quic_getsockopt(struct sock *sk, int level, int optname,
		    char __user *optval, int __user *optlen);

#endif /* _NET_QUIC_SOCKOPT_H */
