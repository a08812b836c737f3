// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>

#include "addr.h"

/**
 * quic_addr_same_host - whether two addresses agree, ports left aside
 * @a: one
 * @b: the other
 *
 * Return: true if they do; scopes of IPv6 link-local addresses count.
 */
bool quic_addr_same_host(const union quic_addr *a, const union quic_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return ipv6_addr_equal(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
	       a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

/**
 * quic_addr_any - whether an address is the wildcard of its family
 * @addr: the address
 *
 * Return: true if it is.
 */
bool quic_addr_any(const union quic_addr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return addr->v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return ipv6_addr_any(&addr->v6.sin6_addr);
}

static int quic_addr_from_v4(__be32 host, __be16 port, bool peer,
			     union quic_addr *addr)
{
	if (ipv4_is_multicast(host) || ipv4_is_lbcast(host))
		return -EINVAL;
	if (peer && host == htonl(INADDR_ANY))
		return -EINVAL;
	addr->v4.sin_family = AF_INET;
	addr->v4.sin_addr.s_addr = host;
	addr->v4.sin_port = port;
	return 0;
}

/* A socket bound to a VRF reaches all devices of it. */
static bool quic_addr_scope_ok(struct sock *sk, u32 scope)
{
	bool known;

	rcu_read_lock();
	known = dev_get_by_index_rcu(sock_net(sk), scope);
	rcu_read_unlock();
	return known && sk_dev_equal_l3scope(sk, scope);
}

static int quic_addr_from_v6(struct sock *sk,
			     const struct sockaddr_in6 *sin6, bool peer,
			     union quic_addr *addr)
{
	int type = ipv6_addr_type(&sin6->sin6_addr);

	if (type == IPV6_ADDR_MAPPED) {
		if (ipv6_only_sock(sk))
			return -EINVAL;
		return quic_addr_from_v4(sin6->sin6_addr.s6_addr32[3],
					 sin6->sin6_port, peer, addr);
	}
	if (type & IPV6_ADDR_MULTICAST)
		return -EINVAL;
	if (peer && type == IPV6_ADDR_ANY)
		return -EINVAL;

	addr->v6.sin6_family = AF_INET6;
	addr->v6.sin6_addr = sin6->sin6_addr;
	addr->v6.sin6_port = sin6->sin6_port;
	if (!(type & IPV6_ADDR_LINKLOCAL))
		return 0;
	if (!quic_addr_scope_ok(sk, sin6->sin6_scope_id))
		return -EINVAL;
	addr->v6.sin6_scope_id = sin6->sin6_scope_id;
	return 0;
}

/**
 * quic_addr_from_user - check a socket address from user space and convert it
 * @sk:    socket that the call is about; decides which families are allowed
 * @uaddr: address as handed in, already in kernel memory
 * @len:   its length
 * @peer:  it is to be a peer's address, which cannot be a wildcard
 * @addr:  result; IPv4-mapped IPv6 addresses have become IPv4
 *
 * Return: 0, or -EINVAL.
 */
int quic_addr_from_user(struct sock *sk, const void *uaddr, int len,
			bool peer, union quic_addr *addr)
{
	const union quic_addr *user = uaddr;

	memset(addr, 0, sizeof(*addr));
	if (len < (int)offsetofend(struct sockaddr, sa_family))
		return -EINVAL;
	if (user->sa.sa_family == AF_INET) {
		if (len < (int)sizeof(user->v4))
			return -EINVAL;
		if (sk->sk_family == AF_INET6 && ipv6_only_sock(sk))
			return -EINVAL;
		return quic_addr_from_v4(user->v4.sin_addr.s_addr,
					 user->v4.sin_port, peer, addr);
	}
	if (user->sa.sa_family != AF_INET6 || sk->sk_family != AF_INET6 ||
	    len < (int)sizeof(user->v6))
		return -EINVAL;
	return quic_addr_from_v6(sk, &user->v6, peer, addr);
}

/**
 * quic_addr_to_user - write an address as user space is to see it
 * @addr:  address
 * @uaddr: result, large enough for either family
 *
 * IPv4 is AF_INET on sockets of both families.
 *
 * Return: length of the result.
 */
int quic_addr_to_user(const union quic_addr *addr, void *uaddr)
{
	union quic_addr *user = uaddr;

	if (addr->sa.sa_family == AF_INET6) {
		user->v6 = addr->v6;
		return sizeof(user->v6);
	}
	user->v4 = addr->v4;
	memset(user->v4.sin_zero, 0, sizeof(user->v4.sin_zero));
	return sizeof(user->v4);
}

/**
 * quic_addr_print - write "a.b.c.d:port", or compressed IPv6 and ":port"
 * @buf:  QUIC_ADDR_STRLEN bytes
 * @addr: address to print
 *
 * Return: @buf.
 */
char *quic_addr_print(char *buf, const union quic_addr *addr)
{
	u16 port = ntohs(quic_addr_port(addr));

	if (addr->sa.sa_family == AF_INET6)
		snprintf(buf, QUIC_ADDR_STRLEN, "%pI6c:%u", &addr->v6.sin6_addr,
			 port);
	else
		snprintf(buf, QUIC_ADDR_STRLEN, "%pI4:%u", &addr->v4.sin_addr,
			 port);
	return buf;
}
