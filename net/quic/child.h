/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets that accept() makes: what one inherits from its listener.
 *
 * Owns:    nothing; the child belongs to whoever asked for it.
 * Guard:   the listener's socket lock.
 * Callers: listen.c.
 */
#ifndef _NET_QUIC_CHILD_H
#define _NET_QUIC_CHILD_H

#include "types.h"

struct sock;

struct sock *quic_sock_alloc_child(struct sock *sk, bool kern);
void quic_sock_drop_child(struct sock *sk);

#endif /* _NET_QUIC_CHILD_H */
