/* SPDX-License-Identifier: GPL-2.0-only */
/* Endpoints: the kernel UDP sockets that QUIC sockets receive through. One
 * endpoint serves every QUIC socket of one (netns, address, port, device); a
 * wildcard endpoint also serves sockets bound to a specific address of that
 * port. (RFC 9000 calls either end of a connection an endpoint; in this code
 * that is an "end" or a "side".)
 *
 * Owns:    struct quic_endpoint, the UDP socket in it.
 * Guard:   quic_net.ep_mutex serializes bind and release; quic_net.ep_lock
 *          guards hash, idle list, and the last reference going away. The
 *          receive path reaches an endpoint by RCU from the UDP socket.
 * Callers: af_quic.c binds and flushes; path.c, listen.c hold and put; udp_rx.c reads.
 */
#ifndef _NET_QUIC_ENDPOINT_H
#define _NET_QUIC_ENDPOINT_H

#include <linux/list.h>
#include <linux/refcount.h>

#include "types.h"

struct net;
struct quic_net;
struct socket;

/**
 * struct quic_endpoint - the UDP socket of one address
 * @node:     in quic_net.endpoints, by port
 * @idle:     in quic_net.ep_idle while nobody holds a reference
 * @ref:      QUIC sockets, paths and requests that use it
 * @net:      network namespace
 * @sock:     the kernel UDP socket
 * @addr:     address that it is bound to; never changes
 * @bound_if: device that it is bound to, or 0
 * @v6only:   bound to an IPv6 address, and refuses IPv4
 * @rcu:      the receive path reads it without a reference
 */
struct quic_endpoint {
	struct hlist_node node;
	struct list_head idle;
	refcount_t ref;
	struct net *net;
	struct socket *sock;
	union quic_addr addr;
	int bound_if;
	bool v6only;
	struct rcu_head rcu;
};

struct quic_endpoint *quic_endpoint_bind(struct net *net, union quic_addr *addr,
					 int bound_if, bool v6only);
void quic_endpoint_put(struct quic_endpoint *ep);
void quic_endpoint_flush(struct net *net);
bool quic_endpoint_serves(const struct quic_endpoint *ep,
			  const union quic_addr *local);
bool quic_endpoint_port_allowed(struct net *net, __be16 port);

/* One more reference for somebody who already has one. */
static inline struct quic_endpoint *
quic_endpoint_hold(struct quic_endpoint *ep)
{
	refcount_inc(&ep->ref);
	return ep;
}

void quic_endpoint_net_init(struct quic_net *qn);
void quic_endpoint_net_exit(struct quic_net *qn);

#endif /* _NET_QUIC_ENDPOINT_H */
