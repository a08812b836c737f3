// SPDX-License-Identifier: GPL-2.0-only
#include <linux/net.h>
#include <linux/slab.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/udp_tunnel.h>

#include "addr.h"
#include "endpoint.h"
#include "net_ns.h"
#include "udp_rx.h"

/* Any value but 0: this UDP socket hands its datagrams to us. */
#define QUIC_UDP_ENCAP	1

static struct hlist_head *quic_endpoint_bucket(struct quic_net *qn, __be16 port)
{
	return &qn->endpoints[ntohs(port) & (QUIC_EP_HASH_SIZE - 1)];
}

/* Whether datagrams to @addr come in by @ep. */
static bool quic_endpoint_covers(const struct quic_endpoint *ep,
				 const union quic_addr *addr, int bound_if,
				 bool v6only)
{
	if (quic_addr_port(&ep->addr) != quic_addr_port(addr) ||
	    ep->bound_if != bound_if)
		return false;
	if (!quic_addr_any(&ep->addr))
		return quic_addr_same_host(&ep->addr, addr);
	if (ep->addr.sa.sa_family == AF_INET)
		return addr->sa.sa_family == AF_INET;
	if (!ep->v6only)
		return true;
	/* A socket on both families needs an endpoint on both. */
	return addr->sa.sa_family == AF_INET6 &&
	       (v6only || !quic_addr_any(addr));
}

/* A reference on the endpoint that covers @addr, which may be about to be
 * released.
 */
static struct quic_endpoint *quic_endpoint_find(struct quic_net *qn,
						const union quic_addr *addr,
						int bound_if, bool v6only)
{
	struct quic_endpoint *ep;

	lockdep_assert_held(&qn->ep_mutex);

	spin_lock_bh(&qn->ep_lock);
	hlist_for_each_entry(ep, quic_endpoint_bucket(qn, quic_addr_port(addr)),
			     node) {
		if (!quic_endpoint_covers(ep, addr, bound_if, v6only))
			continue;
		if (!refcount_inc_not_zero(&ep->ref)) {
			list_del_init(&ep->idle);
			refcount_set(&ep->ref, 1);
		}
		break;
	}
	spin_unlock_bh(&qn->ep_lock);
	return ep;
}

/* Release every endpoint that has no reference. */
static void quic_endpoint_reap(struct quic_net *qn)
{
	struct quic_endpoint *ep, *next;
	LIST_HEAD(dead);

	lockdep_assert_held(&qn->ep_mutex);

	spin_lock_bh(&qn->ep_lock);
	list_splice_init(&qn->ep_idle, &dead);
	list_for_each_entry(ep, &dead, idle)
		hlist_del(&ep->node);
	spin_unlock_bh(&qn->ep_lock);

	list_for_each_entry_safe(ep, next, &dead, idle) {
		udp_tunnel_sock_release(ep->sock->sk);
		kfree_rcu(ep, rcu);
	}
}

/**
 * quic_endpoint_flush - release the UDP sockets that nobody uses, at once
 * @net: network namespace
 *
 * Who has closed a socket may bind another one, of whatever kind, to its port
 * as soon as close() is over.
 *
 * Context: process, may sleep.
 */
void quic_endpoint_flush(struct net *net)
{
	struct quic_net *qn = quic_net(net);

	mutex_lock(&qn->ep_mutex);
	quic_endpoint_reap(qn);
	mutex_unlock(&qn->ep_mutex);
}

static void quic_endpoint_work(struct work_struct *work)
{
	struct quic_net *qn = container_of(work, struct quic_net, ep_work);

	quic_endpoint_flush(qn->net);
}

/**
 * quic_endpoint_put - drop a reference
 * @ep: endpoint, or NULL
 *
 * The UDP socket of an unused endpoint is released by a work item. Who binds
 * to its address before that takes it over or releases it on the spot, and
 * never sees -EADDRINUSE because of it.
 *
 * Context: any but hard interrupt.
 */
void quic_endpoint_put(struct quic_endpoint *ep)
{
	struct quic_net *qn;

	if (!ep)
		return;
	qn = quic_net(ep->net);
	local_bh_disable();
	if (refcount_dec_and_lock(&ep->ref, &qn->ep_lock)) {
		list_add_tail(&ep->idle, &qn->ep_idle);
		queue_work(system_dfl_wq, &qn->ep_work);
		spin_unlock(&qn->ep_lock);
	}
	local_bh_enable();
}

/* A wildcard and a specific address of the same port are in conflict for UDP,
 * unless both sockets agree to it. Ours do, for as long as one of them binds;
 * a foreign socket gets no such offer. Returns whether there are any.
 */
static bool quic_endpoint_allow_overlap(struct quic_net *qn, __be16 port,
					bool allow)
{
	struct quic_endpoint *ep;
	bool any = false;

	lockdep_assert_held(&qn->ep_mutex);

	hlist_for_each_entry(ep, quic_endpoint_bucket(qn, port), node) {
		if (quic_addr_port(&ep->addr) != port)
			continue;
		ep->sock->sk->sk_reuse = allow ? SK_CAN_REUSE : SK_NO_REUSE;
		any = true;
	}
	return any;
}

static int quic_endpoint_open(struct quic_endpoint *ep, bool overlap)
{
	bool v6 = ep->addr.sa.sa_family == AF_INET6;
	struct socket *sock;
	struct sock *sk;
	int err;

	err = sock_create_kern(ep->net, ep->addr.sa.sa_family, SOCK_DGRAM,
			       IPPROTO_UDP, &sock);
	if (err)
		return err;
	sk = sock->sk;
	sk->sk_reuse = overlap ? SK_CAN_REUSE : SK_NO_REUSE;
	if (v6)
		sk->sk_ipv6only = ep->v6only;
	if (ep->bound_if)
		err = sock_bindtoindex(sk, ep->bound_if, true);
	if (!err)
		err = kernel_bind(sock, (struct sockaddr_unsized *)&ep->addr,
				  v6 ? sizeof(ep->addr.v6) :
				       sizeof(ep->addr.v4));
	if (err) {
		sock_release(sock);
		return err;
	}
	sk->sk_reuse = SK_NO_REUSE;
	quic_addr_set_port(&ep->addr, inet_sk(sk)->inet_sport);
	ep->sock = sock;
	return 0;
}

static int quic_endpoint_open_any(struct quic_net *qn, struct quic_endpoint *ep)
{
	__be16 port = quic_addr_port(&ep->addr);
	int err;

	err = quic_endpoint_open(ep, false);
	if (err != -EADDRINUSE || !port)
		return err;
	if (quic_endpoint_allow_overlap(qn, port, true))
		err = quic_endpoint_open(ep, true);
	quic_endpoint_allow_overlap(qn, port, false);
	return err;
}

static struct quic_endpoint *quic_endpoint_create(struct quic_net *qn,
						  const union quic_addr *addr,
						  int bound_if, bool v6only)
{
	struct udp_tunnel_sock_cfg cfg = {
		.encap_type	  = QUIC_UDP_ENCAP,
		.encap_rcv	  = quic_udp_rcv,
		.encap_err_lookup = quic_udp_err_lookup,
		.encap_err_rcv	  = quic_udp_err,
	};
	struct quic_endpoint *ep;
	int err;

	ep = kzalloc_obj(*ep);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	ep->net = qn->net;
	ep->addr = *addr;
	ep->bound_if = bound_if;
	ep->v6only = v6only || !quic_addr_any(addr);
	refcount_set(&ep->ref, 1);
	INIT_LIST_HEAD(&ep->idle);

	err = quic_endpoint_open_any(qn, ep);
	if (err) {
		kfree(ep);
		return ERR_PTR(err);
	}
	spin_lock_bh(&qn->ep_lock);
	hlist_add_head(&ep->node,
		       quic_endpoint_bucket(qn, quic_addr_port(&ep->addr)));
	spin_unlock_bh(&qn->ep_lock);

	cfg.sk_user_data = ep;
	setup_udp_tunnel_sock(ep->net, ep->sock->sk, &cfg);
	udp_set_bit(ENCAP_GSO, ep->sock->sk);
	udp_set_bit(ACCEPT_L4, ep->sock->sk);
	udp_set_bit(GRO_ENABLED, ep->sock->sk);
	return ep;
}

/**
 * quic_endpoint_bind - find or create the endpoint that covers an address
 * @net:      network namespace
 * @addr:     local address; port 0 asks for a free one, and receives it
 * @bound_if: device that the QUIC socket is bound to, or 0
 * @v6only:   for the IPv6 wildcard: do not receive IPv4
 *
 * Context: process, may sleep. Return: an endpoint with a reference for the
 * caller, or an ERR_PTR: -EADDRINUSE for a foreign UDP socket or when there is
 * no free port, and what else binding a UDP socket may return.
 */
struct quic_endpoint *quic_endpoint_bind(struct net *net, union quic_addr *addr,
					 int bound_if, bool v6only)
{
	struct quic_net *qn = quic_net(net);
	struct quic_endpoint *ep = NULL;

	mutex_lock(&qn->ep_mutex);
	if (quic_addr_port(addr))
		ep = quic_endpoint_find(qn, addr, bound_if, v6only);
	if (!ep) {
		quic_endpoint_reap(qn);
		ep = quic_endpoint_create(qn, addr, bound_if, v6only);
	}
	mutex_unlock(&qn->ep_mutex);
	if (!IS_ERR(ep))
		quic_addr_set_port(addr, quic_addr_port(&ep->addr));
	return ep;
}

/**
 * quic_endpoint_serves - whether datagrams to an address come in by an endpoint
 * @ep:    the endpoint
 * @local: an address of ours with its port
 *
 * Return: true if they do.
 */
bool quic_endpoint_serves(const struct quic_endpoint *ep,
			  const union quic_addr *local)
{
	if (quic_addr_port(&ep->addr) != quic_addr_port(local))
		return false;
	if (!quic_addr_any(&ep->addr))
		return quic_addr_same_host(&ep->addr, local);
	return ep->addr.sa.sa_family == local->sa.sa_family ||
	       (ep->addr.sa.sa_family == AF_INET6 && !ep->v6only);
}

/**
 * quic_endpoint_port_allowed - may the calling process bind to a port
 * @net:  network namespace
 * @port: the port
 *
 * Return: false for a privileged port without CAP_NET_BIND_SERVICE.
 */
bool quic_endpoint_port_allowed(struct net *net, __be16 port)
{
	return !port || !inet_port_requires_bind_service(net, ntohs(port)) ||
	       ns_capable(net->user_ns, CAP_NET_BIND_SERVICE);
}

/**
 * quic_endpoint_net_init - set up the part of a netns that belongs to endpoints
 * @qn: the netns
 */
void quic_endpoint_net_init(struct quic_net *qn)
{
	mutex_init(&qn->ep_mutex);
	spin_lock_init(&qn->ep_lock);
	INIT_LIST_HEAD(&qn->ep_idle);
	INIT_WORK(&qn->ep_work, quic_endpoint_work);
}

/**
 * quic_endpoint_net_exit - release what is left, when no socket is
 * @qn: the netns
 */
void quic_endpoint_net_exit(struct quic_net *qn)
{
	int i;

	cancel_work_sync(&qn->ep_work);
	quic_endpoint_work(&qn->ep_work);
	for (i = 0; i < QUIC_EP_HASH_SIZE; i++)
		WARN_ON_ONCE(!hlist_empty(&qn->endpoints[i]));
}
