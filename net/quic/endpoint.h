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
 * Callers: af_quic.c binds; path.c, listen.c hold and put; udp_rx.c reads.
 */
#ifndef _NET_QUIC_ENDPOINT_H
#define _NET_QUIC_ENDPOINT_H

#include <linux/list.h>
#include <linux/refcount.h>

#include "types.h"

struct net;
struct quic_net;
struct socket;

struct quic_endpoint {
	struct hlist_node	node;		/* quic_net.endpoints, by port */
	struct list_head	idle;		/* quic_net.ep_idle, when unused */
	refcount_t		ref;		/* QUIC sockets, paths, requests */
	bool			v6only;		/* AF_INET6 that refuses IPv4 */
	int			bound_if;	/* SO_BINDTODEVICE, or 0 */
	struct net		*net;
	struct socket		*sock;		/* kernel UDP socket */
	union quic_addr		addr;		/* as bound; never changes */
	struct rcu_head		rcu;
};

/**
 * quic_endpoint_bind - find or create the endpoint that covers an address
 * @net:      network namespace
 * @addr:     local address; port 0 asks for a free one, and receives it
 * @bound_if: device that the QUIC socket is bound to, or 0
 * @v6only:   for the IPv6 wildcard: do not receive IPv4
 *
 * Context: process, may sleep. Return: an endpoint with a reference for the
 * caller, or an ERR_PTR: -EADDRINUSE (foreign UDP socket; no free port) and
 * what binding a UDP socket may return.
 */
struct quic_endpoint *quic_endpoint_bind(struct net *net, union quic_addr *addr,
					 int bound_if, bool v6only);

/* One more reference for somebody who already has one. */
static inline struct quic_endpoint *
quic_endpoint_hold(struct quic_endpoint *ep)
{
	refcount_inc(&ep->ref);
	return ep;
}

/**
 * quic_endpoint_put - drop a reference
 * @ep: endpoint, or NULL
 *
 * The UDP socket is released by a work item; a bind to the same address that
 * comes earlier takes the endpoint over or releases it on the spot, and never
 * sees -EADDRINUSE because of it. Context: any.
 */
void quic_endpoint_put(struct quic_endpoint *ep);

/* Set up and tear down the part of struct quic_net that belongs to endpoints. */
void quic_endpoint_net_init(struct quic_net *qn);
void quic_endpoint_net_exit(struct quic_net *qn);

#endif /* _NET_QUIC_ENDPOINT_H */
