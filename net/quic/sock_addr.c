// SPDX-License-Identifier: GPL-2.0-only
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/transp_v6.h>

#include "addr.h"
#include "conn.h"
#include "lookup.h"
#include "sock_addr.h"

static void quic_sock_store_v4(struct sock *sk, const union quic_addr *local,
			       const union quic_addr *peer)
{
	struct inet_sock *inet = inet_sk(sk);
	__be32 saddr = local->v4.sin_addr.s_addr;
	__be32 daddr = peer ? peer->v4.sin_addr.s_addr : 0;

	inet->inet_saddr = saddr;
	inet->inet_rcv_saddr = saddr;
	inet->inet_daddr = daddr;
#if IS_ENABLED(CONFIG_IPV6)
	if (!quic_sock_is_v6(sk))
		return;
	ipv6_addr_set_v4mapped(saddr, &sk->sk_v6_rcv_saddr);
	inet6_sk(sk)->saddr = sk->sk_v6_rcv_saddr;
	if (peer)
		ipv6_addr_set_v4mapped(daddr, &sk->sk_v6_daddr);
#endif
}

static void quic_sock_store_v6(struct sock *sk, const union quic_addr *local,
			       const union quic_addr *peer)
{
#if IS_ENABLED(CONFIG_IPV6)
	sk->sk_v6_rcv_saddr = local->v6.sin6_addr;
	inet6_sk(sk)->saddr = local->v6.sin6_addr;
	if (peer)
		sk->sk_v6_daddr = peer->v6.sin6_addr;
	if (local->v6.sin6_scope_id)
		sk->sk_bound_dev_if = local->v6.sin6_scope_id;
	inet_sk(sk)->inet_saddr = LOOPBACK4_IPV6;
	inet_sk(sk)->inet_rcv_saddr = LOOPBACK4_IPV6;
	inet_sk(sk)->inet_daddr = LOOPBACK4_IPV6;
#endif
}

/**
 * quic_sock_set_addrs - make a path's addresses those of the socket
 * @sk:    the socket
 * @local: our address: what getsockname() returns
 * @peer:  the peer's: what getpeername() returns; NULL for none
 *
 * To be called whenever a connection moves to another path.
 *
 * Context: socket lock held.
 */
void quic_sock_set_addrs(struct sock *sk, const union quic_addr *local,
			 const union quic_addr *peer)
{
	struct inet_sock *inet = inet_sk(sk);

	quic_lookup_del_sock(sk);
	if (local->sa.sa_family == AF_INET)
		quic_sock_store_v4(sk, local, peer);
	else
		quic_sock_store_v6(sk, local, peer);
	inet->inet_sport = quic_addr_port(local);
	inet->inet_num = ntohs(inet->inet_sport);
	inet->inet_dport = peer ? quic_addr_port(peer) : 0;
	if (peer && !sock_flag(sk, SOCK_DEAD))
		quic_lookup_add_sock(sk, peer);
}

static void quic_sock_fill(const struct sock *sk, __be32 v4,
			   const struct in6_addr *v6, __be16 port,
			   union quic_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
#if IS_ENABLED(CONFIG_IPV6)
	if (quic_sock_is_v6(sk) && !ipv6_addr_v4mapped(v6)) {
		addr->v6.sin6_family = AF_INET6;
		addr->v6.sin6_addr = *v6;
		addr->v6.sin6_scope_id = ipv6_iface_scope_id(v6,
							     sk->sk_bound_dev_if);
		addr->v6.sin6_port = port;
		return;
	}
#endif
	addr->v4.sin_family = AF_INET;
	addr->v4.sin_addr.s_addr = v4;
	addr->v4.sin_port = port;
}

/**
 * quic_sock_local - our address, as the socket has it
 * @sk:   the socket
 * @addr: result; the wildcard without a port if there is none yet
 */
void quic_sock_local(const struct sock *sk, union quic_addr *addr)
{
	const struct in6_addr *v6 = NULL;

#if IS_ENABLED(CONFIG_IPV6)
	v6 = &sk->sk_v6_rcv_saddr;
#endif
	quic_sock_fill(sk, inet_sk(sk)->inet_saddr, v6,
		       inet_sk(sk)->inet_sport, addr);
}

/**
 * quic_sock_peer - the peer's address, as the socket has it
 * @sk:   the socket
 * @addr: result
 */
void quic_sock_peer(const struct sock *sk, union quic_addr *addr)
{
	const struct in6_addr *v6 = NULL;

#if IS_ENABLED(CONFIG_IPV6)
	v6 = &sk->sk_v6_daddr;
#endif
	quic_sock_fill(sk, inet_sk(sk)->inet_daddr, v6,
		       inet_sk(sk)->inet_dport, addr);
}
