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

/* Room that quic_addr_print() needs: "[", the longest IPv6 text, scope, port. */
#define QUIC_ADDR_STRLEN	64

static inline __be16 quic_addr_port(const union quic_addr *addr)
{
	/* sin_port and sin6_port lie at the same place. */
	return addr->v4.sin_port;
}

static inline void quic_addr_set_port(union quic_addr *addr, __be16 port)
{
	addr->v4.sin_port = port;
}

/* Whether two addresses agree, ports left aside. */
bool quic_addr_same_host(const union quic_addr *a, const union quic_addr *b);

/* Whether two addresses agree, ports included. */
static inline bool quic_addr_equal(const union quic_addr *a,
				   const union quic_addr *b)
{
	return quic_addr_port(a) == quic_addr_port(b) &&
	       quic_addr_same_host(a, b);
}

/* Whether @addr is the unspecified address of its family. */
bool quic_addr_any(const union quic_addr *addr);

/**
 * quic_addr_from_user - check a socket address from user space and convert it
 * @sk:   socket that the call is about; decides which families are allowed
 * @uaddr: address as handed in, already in kernel memory
 * @len:  its length
 * @peer: whether it is to be a peer's address, which cannot be a wildcard
 * @addr: result
 *
 * Return: 0, or -EINVAL.
 */
int quic_addr_from_user(const struct sock *sk, const struct sockaddr *uaddr,
			int len, bool peer, union quic_addr *addr);

/**
 * quic_addr_to_user - write an address as user space is to see it
 * @family: of the socket: an unbound AF_INET6 socket has an AF_INET6 wildcard
 * @addr:   address; sa_family 0 means "none yet"
 * @uaddr:  result, sizeof(struct sockaddr_storage) large
 *
 * Return: length of the result.
 */
int quic_addr_to_user(u16 family, const union quic_addr *addr,
		      struct sockaddr *uaddr);

/**
 * quic_addr_print - write "a.b.c.d:port" or "<compressed v6>:port"
 * @buf:  QUIC_ADDR_STRLEN bytes
 * @addr: address to print
 *
 * Return: @buf.
 */
char *quic_addr_print(char *buf, const union quic_addr *addr);

#endif /* _NET_QUIC_ADDR_H */
