/* SPDX-License-Identifier: GPL-2.0-only */
/* The two addresses of a socket, where the socket core and its tools expect
 * them. An AF_INET6 socket that speaks IPv4 holds them mapped and tells them as
 * IPv4.
 *
 * Owns:    the addresses and ports inside struct inet_sock and ipv6_pinfo.
 * Guard:   the socket lock.
 * Callers: af_quic.c, listen.c; conn.c and path.c when a path changes; proc.c.
 */
#ifndef _NET_QUIC_SOCK_ADDR_H
#define _NET_QUIC_SOCK_ADDR_H

#include <net/sock.h>
#include "types.h"

static inline bool quic_sock_is_v6(const struct sock *sk)
{
	return IS_ENABLED(CONFIG_IPV6) && sk->sk_family == AF_INET6;
}

void quic_sock_set_addrs(struct sock *sk, const union quic_addr *local,
			 const union quic_addr *peer);
void quic_sock_local(const struct sock *sk, union quic_addr *addr);
void quic_sock_peer(const struct sock *sk, union quic_addr *addr);

#endif /* _NET_QUIC_SOCK_ADDR_H */
