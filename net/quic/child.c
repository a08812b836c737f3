// SPDX-License-Identifier: GPL-2.0-only
#include <net/inet_sock.h>
#include <net/ipv6.h>

#include "af_quic.h"
#include "child.h"
#include "cid.h"
#include "close.h"
#include "conn.h"
#include "settings.h"
#include "sock_addr.h"

static void quic_child_copy_sock(struct sock *newsk, struct sock *sk)
{
	newsk->sk_type = sk->sk_type;
	newsk->sk_protocol = sk->sk_protocol;
	newsk->sk_backlog_rcv = sk->sk_prot->backlog_rcv;
	newsk->sk_bound_dev_if = sk->sk_bound_dev_if;
	newsk->sk_mark = READ_ONCE(sk->sk_mark);
	newsk->sk_priority = READ_ONCE(sk->sk_priority);
	newsk->sk_max_pacing_rate = READ_ONCE(sk->sk_max_pacing_rate);
	newsk->sk_pacing_rate = newsk->sk_max_pacing_rate;
	newsk->sk_sndbuf = READ_ONCE(sk->sk_sndbuf);
	newsk->sk_rcvbuf = READ_ONCE(sk->sk_rcvbuf);
	newsk->sk_userlocks = sk->sk_userlocks;
	newsk->sk_rcvlowat = READ_ONCE(sk->sk_rcvlowat);
	newsk->sk_sndtimeo = READ_ONCE(sk->sk_sndtimeo);
	newsk->sk_rcvtimeo = READ_ONCE(sk->sk_rcvtimeo);
	newsk->sk_lingertime = sk->sk_lingertime;
	newsk->sk_reuse = sk->sk_reuse;
	newsk->sk_reuseport = sk->sk_reuseport;
	newsk->sk_ipv6only = sk->sk_ipv6only;
	newsk->sk_allocation = sk->sk_allocation;
	newsk->sk_use_task_frag = sk->sk_use_task_frag;
	newsk->sk_txrehash = sk->sk_txrehash;
	newsk->sk_tsflags = READ_ONCE(sk->sk_tsflags);
	newsk->sk_flags = sk->sk_flags;
	if (newsk->sk_flags & SK_FLAGS_TIMESTAMP)
		net_enable_timestamp();
	security_sk_clone(sk, newsk);
}

static void quic_child_copy_inet(struct sock *newsk, struct sock *sk)
{
	struct inet_sock *newinet = inet_sk(newsk);
	struct inet_sock *inet = inet_sk(sk);

	newinet->inet_flags = inet->inet_flags;
	newinet->uc_ttl = READ_ONCE(inet->uc_ttl);
	newinet->mc_ttl = READ_ONCE(inet->mc_ttl);
	newinet->tos = READ_ONCE(inet->tos);
	newinet->min_ttl = READ_ONCE(inet->min_ttl);
	newinet->pmtudisc = READ_ONCE(inet->pmtudisc);
#if IS_ENABLED(CONFIG_IPV6)
	if (quic_sock_is_v6(sk)) {
		struct ipv6_pinfo *np = inet6_sk(sk);
		struct ipv6_pinfo *newnp = &container_of(quic_conn(newsk),
						  struct quic6_conn,
						  conn)->inet6;

		newinet->pinet6 = newnp;
		newnp->hop_limit = READ_ONCE(np->hop_limit);
		newnp->mcast_hops = READ_ONCE(np->mcast_hops);
		newnp->pmtudisc = READ_ONCE(np->pmtudisc);
		newnp->tclass = READ_ONCE(np->tclass);
		newnp->frag_size = READ_ONCE(np->frag_size);
		newnp->srcprefs = READ_ONCE(np->srcprefs);
	}
#endif
}

/**
 * quic_sock_alloc_child - make the socket of an accepted connection
 * @sk:   the listener, locked
 * @kern: the kernel asks for it
 *
 * It inherits what generic and QUIC options have set on the listener.
 *
 * Return: a socket in state CLOSED without addresses, or NULL.
 */
struct sock *quic_sock_alloc_child(struct sock *sk, bool kern)
{
	struct quic_conn *conn = quic_conn(sk);
	struct quic_conn *newconn;
	struct sock *newsk;

	sock_owned_by_me(sk);

	newsk = sk_alloc(sock_net(sk), sk->sk_family, GFP_KERNEL, sk->sk_prot,
			 kern && !sk->sk_net_refcnt);
	if (!newsk)
		return NULL;
	sock_init_data(NULL, newsk);
	quic_child_copy_inet(newsk, sk);
	if (quic_init_sock(newsk)) {
		sk_free(newsk);
		return NULL;
	}
	quic_child_copy_sock(newsk, sk);
	sk_set_txhash(newsk);
	newconn = quic_conn(newsk);
	newconn->local = conn->local;
	quic_settings_inherit(&newconn->settings, &conn->settings);
	return newsk;
}

/**
 * quic_sock_drop_child - the request could not become a connection
 * @sk: socket from quic_sock_alloc_child(), not locked
 */
void quic_sock_drop_child(struct sock *sk)
{
	lock_sock(sk);
	quic_conn_shutdown(sk, RCV_SHUTDOWN);
	/* Left over if there was no connection yet to shut down. Nobody must
	 * find the socket after its last reference has gone.
	 */
	quic_cids_free(quic_conn(sk));
	quic_sock_unlink(sk);
	sock_orphan(sk);
	release_sock(sk);
	sock_put(sk);
}
