// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <linux/quic.h>
#include <linux/swap.h>
#include <net/addrconf.h>
#include <net/inet_common.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/protocol.h>
#include <net/route.h>
#include <net/sock_reuseport.h>
#include <net/transp_v6.h>
#include <net/xfrm.h>

#include "addr.h"
#include "af_quic.h"
#include "cipher_rate.h"
#include "conn.h"
#include "endpoint.h"
#include "gcm_api.h"
#include "input.h"
#include "listen.h"
#include "lookup.h"
#include "net_ns.h"
#include "poll.h"
#include "rcvq.h"
#include "recvmsg.h"
#include "sendmsg.h"
#include "sent.h"
#include "sock_addr.h"
#include "sockopt.h"
#include "sysctl.h"
#include "udp_rx.h"
#include "udp_tx.h"

long quic_sysctl_mem[3] __read_mostly;
int quic_sysctl_rmem[3] __read_mostly;
int quic_sysctl_wmem[3] __read_mostly;

static atomic_long_t quic_memory_allocated;
static DEFINE_PER_CPU(int, quic_memory_per_cpu_fw_alloc);
static struct percpu_counter quic_sockets_allocated;
static unsigned long quic_memory_pressure;

/* Kernel sockets of QUIC hold their lock while they take that of a kernel UDP
 * socket: different classes, or lockdep would see one nested in itself.
 */
static struct lock_class_key quic_slock_key;
static struct lock_class_key quic_lock_key;

static int quic_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	struct sock *sk = sock->sk;
	union quic_addr addr;
	int len = -ENOTCONN;

	lock_sock(sk);
	if (!peer) {
		quic_sock_local(sk, &addr);
		len = quic_addr_to_user(&addr, uaddr);
	} else if (inet_sk(sk)->inet_dport &&
		   (peer != 1 || sk->sk_state != QUIC_STATE_CLOSED)) {
		/* accept() reports the peer of a connection that is gone. */
		quic_sock_peer(sk, &addr);
		len = quic_addr_to_user(&addr, uaddr);
	}
	release_sock(sk);
	return len;
}

/* bind(), connect(), listen() */

static bool quic_addr_is_ours(struct sock *sk, const union quic_addr *addr)
{
	struct net *net = sock_net(sk);
	u32 table;

	if (quic_addr_any(addr))
		return true;
#if IS_ENABLED(CONFIG_IPV6)
	if (addr->sa.sa_family == AF_INET6) {
		struct net_device *dev;
		bool ours;

		rcu_read_lock();
		/* Index 0 is no device: then it is not in any VRF. */
		dev = dev_get_by_index_rcu(net, addr->v6.sin6_scope_id ? :
					   sk->sk_bound_dev_if);
		ours = ipv6_chk_addr(net, &addr->v6.sin6_addr, dev, 0);
		rcu_read_unlock();
		return ours;
	}
#endif
	table = l3mdev_fib_table_by_index(net, sk->sk_bound_dev_if) ? :
		RT_TABLE_LOCAL;
	return inet_addr_type_table(net, addr->v4.sin_addr.s_addr, table) ==
	       RTN_LOCAL;
}

/* Gives the socket an endpoint. A port of 0 in @addr becomes a free one. */
static int quic_sock_attach(struct sock *sk, union quic_addr *addr)
{
	bool v6only = quic_sock_is_v6(sk) && ipv6_only_sock(sk);
	struct quic_conn *conn = quic_conn(sk);
	int bound_if = sk->sk_bound_dev_if;
	struct quic_endpoint *ep;

	if (addr->sa.sa_family == AF_INET6 && addr->v6.sin6_scope_id)
		bound_if = addr->v6.sin6_scope_id;
	ep = quic_endpoint_bind(sock_net(sk), addr, bound_if, v6only);
	if (IS_ERR(ep))
		return PTR_ERR(ep);
	conn->bound = ep;
	return 0;
}

static void quic_sock_detach(struct sock *sk)
{
	struct quic_conn *conn = quic_conn(sk);

	quic_endpoint_put(conn->bound);
	conn->bound = NULL;
}

static int quic_bind(struct sock *sk, struct sockaddr_unsized *uaddr, int len)
{
	struct quic_conn *conn = quic_conn(sk);
	union quic_addr addr;
	int err;

	lock_sock(sk);
	err = -EINVAL;
	if (!quic_conn_is(conn, QUIC_STATE_CLOSED) || conn->bound ||
	    conn->was_connected)
		goto out;
	err = quic_addr_from_user(sk, uaddr, len, false, &addr);
	if (err)
		goto out;
	err = -EADDRNOTAVAIL;
	if (!quic_addr_is_ours(sk, &addr))
		goto out;
	err = -EACCES;
	if (!quic_endpoint_port_allowed(sock_net(sk),
					quic_addr_port(&addr)))
		goto out;
	err = quic_sock_attach(sk, &addr);
	if (err)
		goto out;
	/* So that a selector can be attached before listen(), too. */
	if (sk->sk_reuseport)
		err = reuseport_alloc(sk, quic_addr_any(&addr));
	if (err) {
		quic_sock_detach(sk);
		goto out;
	}
	quic_sock_set_addrs(sk, &addr, NULL);
	/* A connection from here does not go elsewhere by itself. */
	if (!quic_addr_any(&addr))
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
out:
	release_sock(sk);
	return err;
}

/* What the socket is bound to, as a source for packets to @peer. */
static int quic_connect_source(const struct sock *sk,
			       const union quic_addr *peer,
			       union quic_addr *local)
{
	__be16 port = inet_sk(sk)->inet_sport;

	memset(local, 0, sizeof(*local));
	if (quic_conn(sk)->bound)
		quic_sock_local(sk, local);
	if (local->sa.sa_family == peer->sa.sa_family)
		return 0;
	/* An unbound socket, or one on the wildcard of both families. */
	if (local->sa.sa_family &&
	    (!quic_addr_any(local) || local->sa.sa_family == AF_INET))
		return -EINVAL;
	memset(local, 0, sizeof(*local));
	local->sa.sa_family = peer->sa.sa_family;
	quic_addr_set_port(local, port);
	return 0;
}

static int quic_connect_locked(struct sock *sk, const union quic_addr *peer)
{
	struct quic_conn *conn = quic_conn(sk);
	bool attached = false;
	union quic_addr local;
	int err;

	err = quic_connect_source(sk, peer, &local);
	if (!err)
		err = quic_udp_local_addr(sk, peer, &local);
	if (!err && !conn->bound) {
		err = quic_sock_attach(sk, &local);
		attached = !err;
	}
	if (err)
		return err;
	sk_set_txhash(sk);
	err = quic_conn_connect(sk, &local, peer);
	if (!err)
		quic_sock_set_addrs(sk, &local, peer);
	else if (attached)
		quic_sock_detach(sk);
	return err;
}

/* Decides addresses and makes keys. Nothing is sent and nothing waited for. */
static int quic_connect(struct socket *sock, struct sockaddr_unsized *uaddr,
			int len, int flags)
{
	struct sock *sk = sock->sk;
	struct quic_conn *conn = quic_conn(sk);
	union quic_addr peer;
	int err = -EINVAL;

	lock_sock(sk);
	if (quic_conn_is(conn, QUIC_STATE_CLOSED) && !conn->was_connected)
		err = quic_addr_from_user(sk, uaddr, len, true, &peer);
	if (!err && !quic_addr_port(&peer))
		err = -EINVAL;
	if (!err)
		err = quic_connect_locked(sk, &peer);
	if (!err)
		sock->state = SS_CONNECTED;
	release_sock(sk);
	return err;
}

static int quic_sock_autobind(struct sock *sk)
{
	union quic_addr addr = {};
	int err;

	addr.sa.sa_family = sk->sk_family;
	err = quic_sock_attach(sk, &addr);
	if (!err)
		quic_sock_set_addrs(sk, &addr, NULL);
	return err;
}

static int quic_listen_begin(struct sock *sk, int backlog)
{
	struct quic_conn *conn = quic_conn(sk);
	int err = 0;

	if (!backlog || conn->was_connected ||
	    !quic_conn_is(conn, QUIC_STATE_CLOSED))
		return -EINVAL;
	if (!conn->bound)
		err = quic_sock_autobind(sk);
	if (err)
		return err;
	sk->sk_ack_backlog = 0;
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	err = quic_listen_start(sk);
	if (!err)
		quic_conn_set_state(conn, QUIC_STATE_LISTENING);
	return err;
}

static void quic_listen_end(struct sock *sk)
{
	quic_listen_stop(sk);
	quic_conn_set_state(quic_conn(sk), QUIC_STATE_CLOSED);
}

static int quic_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err = 0;

	lock_sock(sk);
	if (!quic_conn_is(quic_conn(sk), QUIC_STATE_LISTENING))
		err = quic_listen_begin(sk, backlog);
	else if (backlog)
		WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	else
		quic_listen_end(sk);
	release_sock(sk);
	return err;
}

/* shutdown(), close() */

static int quic_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	int err = 0;

	how++;	/* SHUT_RD, SHUT_WR, SHUT_RDWR become bits, as in inet_shutdown() */
	if (!how || (how & ~SHUTDOWN_MASK))
		return -EINVAL;
	lock_sock(sk);
	if (!quic_conn_is(quic_conn(sk), QUIC_STATE_LISTENING))
		err = quic_conn_shutdown(sk, how);
	else if (how & RCV_SHUTDOWN)
		err = -EOPNOTSUPP;
	release_sock(sk);
	return err;
}

/**
 * quic_sock_unlink - nobody finds the socket any more
 * @sk: socket that quic_init_sock() has listed
 */
void quic_sock_unlink(struct sock *sk)
{
	struct quic_net *qn = quic_net(sock_net(sk));

	quic_lookup_del_sock(sk);
	spin_lock_bh(&qn->socks_lock);
	hlist_del_init_rcu(&sk->sk_node);
	spin_unlock_bh(&qn->socks_lock);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
}

/* A connection that goes on in the background uses its network namespace,
 * which a kernel socket does not keep alive. If that is going away, so does
 * the connection.
 */
static void quic_sock_hold_net(struct sock *sk)
{
	struct quic_conn *conn = quic_conn(sk);
	struct net *net = sock_net(sk);

	if (sk->sk_net_refcnt)
		return;
	if (maybe_get_net(net)) {
		sk_net_refcnt_upgrade(sk);
		put_net(net);
		return;
	}
	quic_close_timeout(conn);	/* lingering becomes closing, */
	quic_close_timeout(conn);	/* which is cut short */
}

static void quic_close(struct sock *sk, long timeout)
{
	struct quic_conn *conn = quic_conn(sk);

	lock_sock(sk);
	if (quic_conn_is(conn, QUIC_STATE_LISTENING))
		quic_listen_end(sk);
	quic_conn_close(sk);
	quic_sock_hold_net(sk);
	quic_sock_unlink(sk);
	/* What goes on in the background has a path with an endpoint. */
	quic_sock_detach(sk);
	sock_orphan(sk);
	release_sock(sk);
	quic_endpoint_flush(sock_net(sk));
	xfrm_sk_free_policy(sk);
	sock_put(sk);
}

/* SOCK_DESTROY of sock_diag: an administrator ends the connection. */
static int quic_abort(struct sock *sk, int err)
{
	struct quic_conn *conn = quic_conn(sk);
	int ret = 0;

	lock_sock(sk);
	if (quic_conn_is(conn, QUIC_STATE_CLOSED)) {
		ret = -ENOENT;
	} else if (quic_conn_is(conn, QUIC_STATE_LISTENING)) {
		quic_listen_end(sk);
	} else {
		quic_close_transport(conn, QUIC_TRANSPORT_ERROR_INTERNAL, 0,
				     "aborted");
		quic_events_wake(conn);
	}
	if (!ret) {
		WRITE_ONCE(sk->sk_err, err);
		sk_error_report(sk);
	}
	release_sock(sk);
	return ret;
}

/* Creation and end of a struct sock */

static void quic_sock_destruct(struct sock *sk)
{
	quic_conn_destroy(sk);
	quic_listen_free(sk);
	sk_sockets_allocated_dec(sk);
#if IS_ENABLED(CONFIG_IPV6)
	if (quic_sock_is_v6(sk)) {
		inet6_sock_destruct(sk);
		return;
	}
#endif
	inet_sock_destruct(sk);
}

/**
 * quic_init_sock - set a new socket up
 * @sk: zeroed socket that the socket core has initialised
 *
 * Return: 0 or -errno.
 */
int quic_init_sock(struct sock *sk)
{
	struct quic_net *qn = quic_net(sock_net(sk));
	struct quic_conn *conn = quic_conn(sk);
	int err;

	sock_lock_init_class_and_name(sk, "slock-AF_QUIC", &quic_slock_key,
				      "sk_lock-AF_QUIC", &quic_lock_key);
	/* Packets find sockets under RCU. */
	sock_set_flag(sk, SOCK_RCU_FREE);
	/* Room in the send buffer is not what a sent packet gives back. */
	sock_set_flag(sk, SOCK_USE_WRITE_QUEUE);
	sk_sockets_allocated_inc(sk);
	sk->sk_destruct = quic_sock_destruct;
	err = quic_conn_init(sk);
	if (err)
		return err;
	quic_rcvq_make_room(conn, conn->local.initial_max_data);

	spin_lock_bh(&qn->socks_lock);
	hlist_add_head_rcu(&sk->sk_node, &qn->socks);
	spin_unlock_bh(&qn->socks_lock);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, 1);
	return 0;
}

static int quic_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	if (QUIC_SKB_CB(skb)->err)
		quic_udp_backlog_err(sk, skb);
	else
		quic_conn_rcv_backlog(sk, skb);
	return 0;
}

static void quic_release_cb(struct sock *sk)
{
	if (!quic_conn(sk)->flushing)
		quic_conn_rcv_end(sk);
	quic_timer_release_cb(sk);
}

static void quic_enter_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(quic_memory_pressure, 1);
}

static void quic_leave_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(quic_memory_pressure, 0);
}

static const struct proto_ops quic_inet_ops = {
	.family		= PF_INET,
	.owner		= THIS_MODULE,
	.release	= inet_release,
	.bind		= inet_bind,
	.connect	= quic_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= inet_accept,
	.getname	= quic_getname,
	.poll		= quic_poll,
	.ioctl		= inet_ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= quic_listen,
	.shutdown	= quic_shutdown,
	.setsockopt	= sock_common_setsockopt,
	.getsockopt	= sock_common_getsockopt,
	.sendmsg	= inet_sendmsg,
	.recvmsg	= inet_recvmsg,
	.mmap		= sock_no_mmap,
	.splice_eof	= inet_splice_eof,
};

static struct proto quic_prot = {
	.name			= "QUIC",
	.owner			= THIS_MODULE,
	.close			= quic_close,
	.bind			= quic_bind,
	.accept			= quic_listen_accept,
	.ioctl			= quic_ioctl,
	.init			= quic_init_sock,
	.unhash			= quic_sock_unlink,
	.setsockopt		= quic_setsockopt,
	.getsockopt		= quic_getsockopt,
	.sendmsg		= quic_sendmsg,
	.recvmsg		= quic_recvmsg,
	.splice_eof		= quic_splice_eof,
	.backlog_rcv		= quic_backlog_rcv,
	.release_cb		= quic_release_cb,
	.diag_destroy		= quic_abort,
	.no_autobind		= true,
	.stream_memory_free	= quic_stream_memory_free,
	.enter_memory_pressure	= quic_enter_memory_pressure,
	.leave_memory_pressure	= quic_leave_memory_pressure,
	.memory_pressure	= &quic_memory_pressure,
	.memory_allocated	= &quic_memory_allocated,
	.per_cpu_fw_alloc	= &quic_memory_per_cpu_fw_alloc,
	.sockets_allocated	= &quic_sockets_allocated,
	.sysctl_mem		= quic_sysctl_mem,
	.sysctl_rmem		= quic_sysctl_rmem,
	.sysctl_wmem		= quic_sysctl_wmem,
	.max_header		= MAX_HEADER + sizeof(struct ipv6hdr),
	.obj_size		= sizeof(struct quic_conn),
};

/* Both types behave the same in every respect. */
static struct inet_protosw quic_protosw[] = {
	{
		.type		= SOCK_STREAM,
		.protocol	= IPPROTO_QUIC,
		.prot		= &quic_prot,
		.ops		= &quic_inet_ops,
	},
	{
		.type		= SOCK_DGRAM,
		.protocol	= IPPROTO_QUIC,
		.prot		= &quic_prot,
		.ops		= &quic_inet_ops,
	},
};

#if IS_ENABLED(CONFIG_IPV6)
static const struct proto_ops quic_inet6_ops = {
	.family		= PF_INET6,
	.owner		= THIS_MODULE,
	.release	= inet6_release,
	.bind		= inet6_bind,
	.connect	= quic_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= inet_accept,
	.getname	= quic_getname,
	.poll		= quic_poll,
	.ioctl		= inet6_ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= quic_listen,
	.shutdown	= quic_shutdown,
	.setsockopt	= sock_common_setsockopt,
	.getsockopt	= sock_common_getsockopt,
	.sendmsg	= inet_sendmsg,
	.recvmsg	= inet_recvmsg,
	.mmap		= sock_no_mmap,
	.splice_eof	= inet_splice_eof,
};

static struct proto quicv6_prot;

static struct inet_protosw quicv6_protosw[] = {
	{
		.type		= SOCK_STREAM,
		.protocol	= IPPROTO_QUIC,
		.prot		= &quicv6_prot,
		.ops		= &quic_inet6_ops,
	},
	{
		.type		= SOCK_DGRAM,
		.protocol	= IPPROTO_QUIC,
		.prot		= &quicv6_prot,
		.ops		= &quic_inet6_ops,
	},
};

static void quic_v6_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(quicv6_protosw); i++)
		inet6_unregister_protosw(&quicv6_protosw[i]);
	proto_unregister(&quicv6_prot);
}

/* As IPv4, but for a larger socket. */
static int __init quic_v6_init(void)
{
	int err, i;

	quicv6_prot = quic_prot;
	strscpy(quicv6_prot.name, "QUICv6");
	quicv6_prot.obj_size = sizeof(struct quic6_conn);
	quicv6_prot.ipv6_pinfo_offset = offsetof(struct quic6_conn, inet6);
	err = proto_register(&quicv6_prot, 1);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(quicv6_protosw); i++) {
		err = inet6_register_protosw(&quicv6_protosw[i]);
		if (err) {
			while (i--)
				inet6_unregister_protosw(&quicv6_protosw[i]);
			proto_unregister(&quicv6_prot);
			return err;
		}
	}
	return 0;
}
#else
static int __init quic_v6_init(void)
{
	return 0;
}

static void quic_v6_exit(void)
{
}
#endif

static int __init quic_v4_init(void)
{
	int err, i;

	err = proto_register(&quic_prot, 1);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(quic_protosw); i++)
		inet_register_protosw(&quic_protosw[i]);
	return 0;
}

static void quic_v4_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(quic_protosw); i++)
		inet_unregister_protosw(&quic_protosw[i]);
	proto_unregister(&quic_prot);
}

static void __init quic_init_limits(void)
{
	unsigned long pages = max(nr_free_buffer_pages() / 8, 128UL);
	/* A socket may have 1/128 of the memory, and no more than TCP's. */
	unsigned long share = nr_free_buffer_pages() << (PAGE_SHIFT - 7);

	quic_sysctl_mem[0] = pages / 4 * 3;
	quic_sysctl_mem[1] = pages;
	quic_sysctl_mem[2] = pages / 2 * 3;
	quic_sysctl_rmem[0] = PAGE_SIZE;
	quic_sysctl_rmem[1] = 1 << 20;
	quic_sysctl_rmem[2] = clamp(share, 1UL << 20, 32UL << 20);
	quic_sysctl_wmem[0] = PAGE_SIZE;
	quic_sysctl_wmem[1] = 16 << 10;
	quic_sysctl_wmem[2] = clamp(share, 64UL << 10, 4UL << 20);
}

static int __init quic_init(void)
{
	int err;

	quic_init_limits();
	quic_cipher_rate_measure();
	err = percpu_counter_init(&quic_sockets_allocated, 0, GFP_KERNEL);
	if (err)
		goto err_counter;
	err = quic_sent_init();
	if (err)
		goto err_sent;
	err = quic_keys_setup();
	if (err)
		goto err_keys;
	err = quic_lookup_init();
	if (err)
		goto err_lookup;
	err = quic_steer_setup();
	if (err)
		goto err_steer;
	err = quic_net_init();
	if (err)
		goto err_net;
	err = quic_sysctl_init();
	if (err)
		goto err_sysctl;
	err = quic_v4_init();
	if (err)
		goto err_v4;
	err = quic_v6_init();
	if (err)
		goto err_v6;
	return 0;

err_v6:
	quic_v4_exit();
err_v4:
	quic_sysctl_exit();
err_sysctl:
	quic_net_exit();
err_net:
	quic_steer_exit();
err_steer:
	quic_lookup_exit();
err_lookup:
	quic_keys_exit();
err_keys:
	quic_sent_exit();
err_sent:
	percpu_counter_destroy(&quic_sockets_allocated);
err_counter:
	quic_gcm_api_stop();
	return err;
}

static void __exit quic_exit(void)
{
	quic_v6_exit();
	quic_v4_exit();
	quic_sysctl_exit();
	quic_net_exit();
	/* Sockets and table entries are freed by RCU. */
	rcu_barrier();
	quic_steer_exit();
	quic_lookup_exit();
	quic_keys_exit();
	quic_sent_exit();
	percpu_counter_destroy(&quic_sockets_allocated);
	quic_gcm_api_stop();
}

module_init(quic_init);
module_exit(quic_exit);

MODULE_DESCRIPTION("QUIC transport (RFC 9000)");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_PF_PROTO(PF_INET, 261);	/* IPPROTO_QUIC */
MODULE_ALIAS_NET_PF_PROTO(PF_INET6, 261);
