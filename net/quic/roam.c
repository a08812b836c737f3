// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "addr.h"
#include "conn.h"
#include "endpoint.h"
#include "event.h"
#include "migrate.h"
#include "net_ns.h"
#include "output.h"
#include "roam.h"
#include "udp_tx.h"

/* How often to look for a way to the peer while there is none: routes may come
 * later than addresses, and nobody tells of them.
 */
#define QUIC_ROAM_RETRY_US	(250 * USEC_PER_MSEC)

/* Probe timeouts in a row that make a path doubtful. */
#define QUIC_ROAM_PTOS		3

/* Sockets that the work item holds at a time. */
#define QUIC_ROAM_BATCH		16

/* A client on its own address goes where it must. Who has bound it to one, or
 * whose server does not want it (RFC 9000, 18.2) or could not recognise it,
 * stays.
 */
static bool quic_roam_free(const struct quic_conn *conn)
{
	const struct sock *sk = quic_conn_sk(conn);

	return !(sk->sk_userlocks & SOCK_BINDADDR_LOCK) &&
	       !conn->remote.disable_active_migration &&
	       conn->cids.active->cid.len;
}

static bool quic_roam_dev_ok(const struct net_device *dev)
{
	return dev && netif_running(dev) && netif_carrier_ok(dev);
}

static bool quic_roam_addr_ok6(const struct sock *sk,
			       const struct sockaddr_in6 *addr)
{
	struct net *net = sock_net(sk);
	struct net_device *dev;

	dev = dev_get_by_index_rcu(net, addr->sin6_scope_id ? :
				   sk->sk_bound_dev_if);
	return ipv6_chk_addr(net, &addr->sin6_addr, dev, 0);
}

/* Of a socket that is bound to a device the device is looked at: other VRFs may
 * have the same addresses.
 */
static bool quic_roam_addr_ok4(const struct sock *sk, __be32 addr)
{
	struct net *net = sock_net(sk);
	int oif = sk->sk_bound_dev_if;
	u32 table;

	if (!oif)
		return quic_roam_dev_ok(__ip_dev_find(net, addr, false));
	table = l3mdev_fib_table_by_index(net, oif) ? : RT_TABLE_LOCAL;
	return quic_roam_dev_ok(dev_get_by_index_rcu(net, oif)) &&
	       inet_addr_type_table(net, addr, table) == RTN_LOCAL;
}

/* Is it one of ours, on a device that works? */
static bool quic_roam_addr_ok(const struct sock *sk,
			      const union quic_addr *addr)
{
	bool ok;

	rcu_read_lock();
	if (IS_ENABLED(CONFIG_IPV6) && addr->sa.sa_family == AF_INET6)
		ok = quic_roam_addr_ok6(sk, &addr->v6);
	else
		ok = quic_roam_addr_ok4(sk, addr->v4.sin_addr.s_addr);
	rcu_read_unlock();
	return ok;
}

static bool quic_roam_path_ok(struct quic_conn *conn)
{
	return quic_roam_addr_ok(quic_conn_sk(conn), &conn->path.local) &&
	       !IS_ERR(quic_udp_route(conn, &conn->path));
}

/* How far an address reaches. */
static int quic_roam_scope(const union quic_addr *addr)
{
	__be32 v4 = addr->v4.sin_addr.s_addr;
	int type;

	if (addr->sa.sa_family == AF_INET) {
		if (ipv4_is_loopback(v4))
			return 0;
		return ipv4_is_linklocal_169(v4) ? 1 : 2;
	}
	type = ipv6_addr_type(&addr->v6.sin6_addr);
	if (type & IPV6_ADDR_LOOPBACK)
		return 0;
	return type & IPV6_ADDR_LINKLOCAL ? 1 : 2;
}

/* The address of ours that leads to a peer; the port is for the endpoint. */
static bool quic_roam_source(struct quic_conn *conn,
			     const union quic_addr *peer,
			     union quic_addr *local)
{
	memset(local, 0, sizeof(*local));
	local->sa.sa_family = peer->sa.sa_family;
	return !quic_udp_local_addr(quic_conn_sk(conn), peer, local) &&
	       quic_roam_scope(local) >= quic_roam_scope(peer) &&
	       quic_roam_addr_ok(quic_conn_sk(conn), local);
}

/* The endpoint in use, if that is not bound to an address, else a new one. */
static struct quic_endpoint *quic_roam_bind(struct quic_conn *conn,
					    union quic_addr *local)
{
	struct sock *sk = quic_conn_sk(conn);
	int bound_if = sk->sk_bound_dev_if;

	quic_addr_set_port(local, quic_addr_port(&conn->path.local));
	if (quic_endpoint_serves(conn->path.endpoint, local))
		return quic_endpoint_hold(conn->path.endpoint);
	if (local->sa.sa_family == AF_INET6 && local->v6.sin6_scope_id)
		bound_if = local->v6.sin6_scope_id;
	quic_addr_set_port(local, 0);
	return quic_endpoint_bind(sock_net(sk), local, bound_if, true);
}

static bool quic_roam_find(struct quic_conn *conn)
{
	struct quic_endpoint *ep;
	union quic_addr local;

	if (!quic_roam_source(conn, &conn->path.peer, &local) ||
	    quic_addr_same_host(&local, &conn->path.local))
		return false;
	ep = quic_roam_bind(conn, &local);
	if (IS_ERR(ep))
		return false;
	if (quic_migrate_jump(conn, ep, &local))
		return true;
	quic_endpoint_put(ep);
	return false;
}

static void quic_roam_lost(struct quic_conn *conn)
{
	conn->roam.lost = !quic_roam_find(conn);
	if (conn->roam.lost)
		quic_timer_set(conn, QUIC_TIMER_ROAM,
			       ktime_add_us(ktime_get(), QUIC_ROAM_RETRY_US));
}

/* The old address is back. What was sent meanwhile went nowhere: the probe
 * timeout need not be as long as that has made it.
 */
static void quic_roam_back(struct quic_conn *conn)
{
	conn->roam.lost = false;
	conn->rec.pto_count = 0;
	conn->ping_pending = true;
}

/* The peer does not answer, and routing prefers another address by now: see
 * whether it is right.
 */
static void quic_roam_doubt(struct quic_conn *conn)
{
	struct quic_endpoint *ep;
	union quic_addr local;

	if (quic_migrate_busy(conn) ||
	    !quic_roam_source(conn, &conn->path.peer, &local) ||
	    quic_addr_same_host(&local, &conn->path.local))
		return;
	ep = quic_roam_bind(conn, &local);
	if (!IS_ERR(ep))
		quic_migrate_probe(conn, ep, &local, &conn->path.peer);
}

/* Preferred address */

/* Part of a network that its owner has numbered without asking anybody. */
static bool quic_roam_private(const union quic_addr *addr)
{
	__be32 v4 = addr->v4.sin_addr.s_addr;

	if (addr->sa.sa_family == AF_INET)
		return ipv4_is_private_10(v4) || ipv4_is_private_172(v4) ||
		       ipv4_is_private_192(v4) ||
		       /* RFC 6598 */
		       (v4 & htonl(0xffc00000)) == htonl(0x64400000);
	/* RFC 4193, and what came before it */
	return (addr->v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc ||
	       ipv6_addr_type(&addr->v6.sin6_addr) & IPV6_ADDR_SITELOCAL;
}

/* From how far away an address can be reached. Behind a NAT that says nothing of
 * the other end, so that quic_roam_scope() is coarser.
 */
static int quic_roam_reach(const union quic_addr *addr)
{
	int scope = quic_roam_scope(addr);

	return scope < 2 || quic_roam_private(addr) ? scope : scope + 1;
}

/**
 * quic_roam_preferred_ok - may a server send us to an address
 * @now:       where it is
 * @preferred: its preferred address
 *
 * RFC 9000, 21.5.3: a server is not to make its clients send to what only they
 * can reach: themselves, their link, the network behind their NAT.
 *
 * Return: true if it may.
 */
bool quic_roam_preferred_ok(const union quic_addr *now,
			    const union quic_addr *preferred)
{
	if (!quic_addr_port(preferred) || quic_addr_any(preferred) ||
	    quic_addr_equal(now, preferred))
		return false;
	if (preferred->sa.sa_family == AF_INET6) {
		if (ipv6_addr_type(&preferred->v6.sin6_addr) &
		    (IPV6_ADDR_MULTICAST | IPV6_ADDR_MAPPED))
			return false;
	} else if (ipv4_is_multicast(preferred->v4.sin_addr.s_addr) ||
		   ipv4_is_lbcast(preferred->v4.sin_addr.s_addr)) {
		return false;
	}
	return quic_roam_reach(preferred) >= quic_roam_reach(now);
}

/* Our address stays if it leads there; else, and for the other family, it is
 * for routing to say.
 */
static bool quic_roam_preferred_source(struct quic_conn *conn,
				       const union quic_addr *peer,
				       union quic_addr *local)
{
	*local = conn->path.local;
	if (local->sa.sa_family == peer->sa.sa_family &&
	    !quic_udp_local_addr(quic_conn_sk(conn), peer, local))
		return true;
	return quic_roam_free(conn) && quic_roam_source(conn, peer, local);
}

static bool quic_roam_prefer(struct quic_conn *conn, union quic_addr *peer)
{
	struct quic_endpoint *ep;
	union quic_addr local;

	if (peer->sa.sa_family == AF_INET6)
		peer->v6.sin6_scope_id = conn->path.peer.sa.sa_family ==
			AF_INET6 ? conn->path.peer.v6.sin6_scope_id : 0;
	if (!quic_roam_preferred_ok(&conn->path.peer, peer) ||
	    !quic_roam_preferred_source(conn, peer, &local))
		return false;
	ep = quic_roam_bind(conn, &local);
	if (IS_ERR(ep))
		return false;
	quic_migrate_probe(conn, ep, &local, peer);
	return true;
}

static bool quic_roam_has_family(const struct sock *sk, int family)
{
	if (family == AF_INET)
		return sk->sk_family == AF_INET || !ipv6_only_sock(sk);
	return IS_ENABLED(CONFIG_IPV6) && sk->sk_family == AF_INET6;
}

/* RFC 9000, 9.6: the family in use first. */
static void quic_roam_to_preferred(struct quic_conn *conn)
{
	const struct quic_preferred_addr *pref = &conn->remote.preferred_addr;
	union quic_addr addr[2] = { { .v4 = pref->v4 }, { .v6 = pref->v6 } };
	int i, first = conn->path.peer.sa.sa_family == AF_INET6;

	conn->roam.preferred = false;
	addr[0].v4.sin_family = AF_INET;
	addr[1].v6.sin6_family = AF_INET6;
	if (quic_migrate_busy(conn))
		return;
	for (i = 0; i < ARRAY_SIZE(addr); i++) {
		union quic_addr *peer = &addr[i ^ first];

		if (quic_roam_has_family(quic_conn_sk(conn),
					 peer->sa.sa_family) &&
		    quic_roam_prefer(conn, peer))
			return;
	}
}

/* Deciding */

static void quic_roam_conn(struct quic_conn *conn)
{
	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED) || conn->is_server ||
	    !conn->hs.confirmed || !conn->path.endpoint || !conn->cids.active)
		return;
	if (conn->roam.preferred)
		quic_roam_to_preferred(conn);
	else if (!quic_roam_free(conn))
		return;
	else if (!quic_roam_path_ok(conn))
		quic_roam_lost(conn);
	else if (conn->roam.lost)
		quic_roam_back(conn);
	else if (conn->rec.pto_count >= QUIC_ROAM_PTOS)
		quic_roam_doubt(conn);
	quic_output(conn);
	quic_events_wake(conn);
}

/* Some of the connections that are due, each with a reference. */
static int quic_roam_gather(struct quic_net *qn,
			    struct sock *batch[QUIC_ROAM_BATCH])
{
	struct sock *sk;
	int nr = 0;

	rcu_read_lock();
	hlist_for_each_entry_rcu(sk, &qn->socks, sk_node) {
		if (!test_bit(QUIC_ROAM_DUE, &quic_conn(sk)->roam.flags) ||
		    !refcount_inc_not_zero(&sk->sk_refcnt))
			continue;
		clear_bit(QUIC_ROAM_DUE, &quic_conn(sk)->roam.flags);
		batch[nr++] = sk;
		if (nr == QUIC_ROAM_BATCH)
			break;
	}
	rcu_read_unlock();
	return nr;
}

static void quic_roam_work(struct work_struct *work)
{
	struct quic_net *qn = container_of(work, struct quic_net, roam_work);
	struct sock *batch[QUIC_ROAM_BATCH];
	int i, nr;

	do {
		nr = quic_roam_gather(qn, batch);
		for (i = 0; i < nr; i++) {
			lock_sock(batch[i]);
			quic_roam_conn(quic_conn(batch[i]));
			release_sock(batch[i]);
			sock_put(batch[i]);
		}
	} while (nr);
}

/**
 * quic_roam_kick - have a connection's local address looked at
 * @conn: the connection
 *
 * Context: any; the connection has a reference.
 */
void quic_roam_kick(struct quic_conn *conn)
{
	set_bit(QUIC_ROAM_DUE, &conn->roam.flags);
	queue_work(system_dfl_wq, &quic_net(quic_conn_net(conn))->roam_work);
}

/**
 * quic_roam_on_send_error - a packet could not leave
 * @conn: the connection
 * @err:  negative errno of routing or of the device
 *
 * Context: connection lock held.
 */
void quic_roam_on_send_error(struct quic_conn *conn, int err)
{
	if (conn->is_server || conn->roam.lost || !conn->hs.confirmed)
		return;
	switch (err) {
	case -EINVAL:		/* IPv4: the source is not ours any more */
	case -EADDRNOTAVAIL:
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -ENETDOWN:
	case -ENODEV:
		quic_roam_kick(conn);
	}
}

/**
 * quic_roam_on_pto - the peer has not answered
 * @conn: the connection
 *
 * Context: connection lock held.
 */
void quic_roam_on_pto(struct quic_conn *conn)
{
	if (!conn->is_server && conn->hs.confirmed && !conn->roam.lost &&
	    conn->rec.pto_count >= QUIC_ROAM_PTOS)
		quic_roam_kick(conn);
}

/* Addresses and devices */

static void quic_roam_net_changed(struct net *net)
{
	struct quic_net *qn = quic_net(net);
	struct quic_conn *conn;
	struct sock *sk;
	bool any = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(sk, &qn->socks, sk_node) {
		conn = quic_conn(sk);
		if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED) ||
		    READ_ONCE(conn->is_server))
			continue;
		set_bit(QUIC_ROAM_DUE, &conn->roam.flags);
		any = true;
	}
	rcu_read_unlock();
	if (any)
		queue_work(system_dfl_wq, &qn->roam_work);
}

static int quic_roam_inetaddr_event(struct notifier_block *nb,
				    unsigned long event, void *ptr)
{
	struct in_ifaddr *ifa = ptr;

	quic_roam_net_changed(dev_net(ifa->ifa_dev->dev));
	return NOTIFY_DONE;
}

static int quic_roam_inet6addr_event(struct notifier_block *nb,
				     unsigned long event, void *ptr)
{
	struct inet6_ifaddr *ifa = ptr;

	quic_roam_net_changed(dev_net(ifa->idev->dev));
	return NOTIFY_DONE;
}

static int quic_roam_netdev_event(struct notifier_block *nb,
				  unsigned long event, void *ptr)
{
	switch (event) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		quic_roam_net_changed(dev_net(netdev_notifier_info_to_dev(ptr)));
	}
	return NOTIFY_DONE;
}

static struct notifier_block quic_roam_inetaddr_nb = {
	.notifier_call = quic_roam_inetaddr_event,
};

static struct notifier_block quic_roam_inet6addr_nb = {
	.notifier_call = quic_roam_inet6addr_event,
};

static struct notifier_block quic_roam_netdev_nb = {
	.notifier_call = quic_roam_netdev_event,
};

/**
 * quic_roam_net_init - set up the part of a netns that belongs to roaming
 * @qn: the netns
 */
void quic_roam_net_init(struct quic_net *qn)
{
	INIT_WORK(&qn->roam_work, quic_roam_work);
}

/**
 * quic_roam_net_exit - end it, when no socket is left
 * @qn: the netns
 */
void quic_roam_net_exit(struct quic_net *qn)
{
	cancel_work_sync(&qn->roam_work);
}

/**
 * quic_roam_init - listen to changes of addresses and devices
 *
 * Return: 0 or a negative errno.
 */
int __init quic_roam_init(void)
{
	int err;

	err = register_netdevice_notifier(&quic_roam_netdev_nb);
	if (err)
		return err;
	register_inetaddr_notifier(&quic_roam_inetaddr_nb);
	if (IS_ENABLED(CONFIG_IPV6))
		register_inet6addr_notifier(&quic_roam_inet6addr_nb);
	return 0;
}

/**
 * quic_roam_exit - undo quic_roam_init()
 */
void quic_roam_exit(void)
{
	if (IS_ENABLED(CONFIG_IPV6))
		unregister_inet6addr_notifier(&quic_roam_inet6addr_nb);
	unregister_inetaddr_notifier(&quic_roam_inetaddr_nb);
	unregister_netdevice_notifier(&quic_roam_netdev_nb);
}
