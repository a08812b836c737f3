/* SPDX-License-Identifier: GPL-2.0-only */
/* Socket families: what AF_INET and AF_INET6 sockets of protocol IPPROTO_QUIC
 * do for bind(), connect(), listen(), accept(), shutdown(), close(),
 * getsockname(); the two struct proto; module entry.
 *
 * Owns:    the addresses inside struct inet_sock of a QUIC socket, the list of
 *          a netns's sockets, memory accounting.
 * Guard:   the socket lock.
 * Callers: the socket core; listen.c for accepted sockets, conn.c and path.c
 *          when a path changes.
 */
#ifndef _NET_QUIC_AF_QUIC_H
#define _NET_QUIC_AF_QUIC_H

#include "types.h"

struct net;
struct proto;
struct sock;

extern struct proto quic_prot;
#if IS_ENABLED(CONFIG_IPV6)
extern struct proto quicv6_prot;
#endif

/**
 * quic_sock_set_addrs - make a path's addresses those of the socket
 * @sk:	   connection
 * @local: our address; what getsockname() returns
 * @peer:  the peer's, or NULL for none; what getpeername() returns
 *
 * To be called whenever the connection moves to another path.
 * Context: connection lock held.
 */
void quic_sock_set_addrs(struct sock *sk, const union quic_addr *local,
			 const union quic_addr *peer);

/* The addresses as set; sa_family is 0 for none. */
void quic_sock_local(const struct sock *sk, union quic_addr *addr);
void quic_sock_peer(const struct sock *sk, union quic_addr *addr);

/**
 * quic_sock_alloc_child - make the socket of an accepted connection
 * @sk:   listener, locked
 * @kern: whether the kernel asked for it
 *
 * Inherits what generic socket options have set, and the settings.
 * Return: a locked socket in state CLOSED without addresses, or an ERR_PTR.
 */
struct sock *quic_sock_alloc_child(struct sock *sk, bool kern);

#endif /* _NET_QUIC_AF_QUIC_H */
