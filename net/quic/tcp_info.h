/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP_INFO of a QUIC socket. Programs that were written for TCP and are handed
 * a QUIC socket read timing from it: Samba's smbd asks for the retransmission
 * timeout before it breaks a lease, and drops the client if it gets none.
 *
 * Owns:    no state.
 * Guard:   takes the socket lock.
 * Callers: sockopt.c.
 */
#ifndef _NET_QUIC_TCP_INFO_H
#define _NET_QUIC_TCP_INFO_H

#include <linux/compiler_types.h>

struct sock;

int quic_tcp_getsockopt(struct sock *sk, int optname, char __user *optval,
			int __user *optlen);

#endif /* _NET_QUIC_TCP_INFO_H */
