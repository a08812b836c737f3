/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses: what user space hands in, what the wire shows, and the one form in
 * between (union quic_addr), in which an IPv4 peer is always AF_INET.
 *
 * Owns:    no state.
 * Guard:   none needed.
 * Callers: every file of layer D; path.c.
 */
#ifndef _NET_QUIC_ADDR_H
#define _NET_QUIC_ADDR_H

#include "types.h"

struct sock;

/* Room that quic_addr_print() needs: the longest IPv6 text, ":", port. */
#define QUIC_ADDR_STRLEN	56

static inline __be16 quic_addr_port(const union quic_addr *addr)
{
	/* sin_port and sin6_port lie at the same place. */
	return addr->v4.sin_port;
}

static inline void quic_addr_set_port(union quic_addr *addr, __be16 port)
{
	addr->v4.sin_port = port;
}

bool quic_addr_same_host(const union quic_addr *a, const union quic_addr *b);
bool quic_addr_any(const union quic_addr *addr);

/* Whether two addresses agree, ports included. */
static inline bool quic_addr_equal(const union quic_addr *a,
				   const union quic_addr *b)
{
	return quic_addr_port(a) == quic_addr_port(b) &&
	       quic_addr_same_host(a, b);
}

int quic_addr_from_user(struct sock *sk, const void *uaddr, int len,
			bool peer, union quic_addr *addr);
int quic_addr_to_user(const union quic_addr *addr, void *uaddr);
char *quic_addr_print(char *buf, const union quic_addr *addr);

#endif /* _NET_QUIC_ADDR_H */
