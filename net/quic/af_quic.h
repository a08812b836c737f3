/* SPDX-License-Identifier: GPL-2.0-only */
/* Socket families: what AF_INET and AF_INET6 sockets of protocol IPPROTO_QUIC
 * do for bind(), connect(), listen(), accept(), shutdown(), close(),
 * getsockname(); their two struct proto; the module.
 *
 * Owns:    the list of a netns's sockets, memory accounting.
 * Guard:   the socket lock.
 * Callers: the socket core; child.c for accepted sockets.
 */
#ifndef _NET_QUIC_AF_QUIC_H
#define _NET_QUIC_AF_QUIC_H

#include "types.h"

struct sock;

int quic_init_sock(struct sock *sk);
void quic_sock_unlink(struct sock *sk);

#endif /* _NET_QUIC_AF_QUIC_H */
