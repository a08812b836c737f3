/* SPDX-License-Identifier: GPL-2.0-only */
/* Socket families: what AF_INET and AF_INET6 sockets of protocol IPPROTO_QUIC
 * do for bind(), connect(), listen(), accept(), shutdown(), close(),
 * getsockname(); their two struct proto; the module.
 *
 * Owns:    the addresses inside struct inet_sock of a QUIC socket, the list of
 *          a netns's sockets, memory accounting.
 * Guard:   the socket lock.
 * Callers: the socket core; listen.c for accepted sockets; conn.c and path.c
 *          when a path changes.
 */
#ifndef _NET_QUIC_AF_QUIC_H
#define _NET_QUIC_AF_QUIC_H

#include "types.h"

struct sock;

void quic_sock_set_addrs(struct sock *sk, const union quic_addr *local,
			 const union quic_addr *peer);
void quic_sock_local(const struct sock *sk, union quic_addr *addr);
void quic_sock_peer(const struct sock *sk, union quic_addr *addr);

struct sock *quic_sock_alloc_child(struct sock *sk, bool kern);
void quic_sock_drop_child(struct sock *sk);

#endif /* _NET_QUIC_AF_QUIC_H */
